"""Carts, as they are shown."""

from typing import Annotated

from pydantic import Field

from web.schemas import Id, Shape
from web.shapes.basics import Won, example

_ITEM = {
    "cartItemId": 7, "productId": 1, "productName": "Drop hoodie", "price": 59_000,
    "quantity": 2, "subtotal": 118_000,
}


class CartItem(Shape):
    model_config = example(**_ITEM)

    cart_item_id: Id
    product_id: Id
    product_name: str
    price: Won
    quantity: Annotated[int, Field(ge=1)]
    subtotal: Won


class Cart(Shape):
    model_config = example(items=[_ITEM], totalAmount=118_000)

    items: list[CartItem]
    total_amount: Won
