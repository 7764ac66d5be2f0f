"""The caller's cart; an admin reaches everyone's."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from domain.cart import service
from domain.cart.errors import CartFull, NoSuchItem, QuantityOutOfBounds
from domain.cart.rules import MAX_QUANTITY, MIN_QUANTITY
from domain.catalog.errors import ProductNotFound
from domain.wallet.errors import UserNotFound
from web import headers
from web.answering import nothing
from web.api import slice_api
from web.auth import acting_admin, is_admin, subject, user
from web.describing import answers
from web.schemas import Body, Id, Path, Query, example
from web.shapes import cart as shapes

api = slice_api("cart")

# Told here and judged by the rules, which have a problem code of their own for it.
Quantity = Annotated[
    int, Field(json_schema_extra={"minimum": MIN_QUANTITY, "maximum": MAX_QUANTITY})
]


class WhoseCart(Query):
    user_id: Id | None = Field(None, description="For admins: whose cart")


class ItemPath(Path):
    item_id: Id


class ItemBody(Body):
    model_config = example(productId=1, quantity=2)

    product_id: Id
    quantity: Quantity


class QuantityBody(Body):
    model_config = example(quantity=3)

    quantity: Quantity


def _reach(query: WhoseCart) -> int | None:
    """Whose items may be meant; None: anyone's, for an admin who names nobody."""
    return None if query.user_id is None and is_admin() else subject(query.user_id)


@api.get("/cart", summary="The cart, at the prices of now")
@user
@answers(shapes.Cart, UserNotFound)
def get_cart(query: WhoseCart) -> dict[str, Any]:
    return service.contents(subject(query.user_id))


@api.delete("/cart", summary="Empty the cart")
@user
@answers(shapes.Cart, UserNotFound)
def clear_cart(query: WhoseCart) -> dict[str, Any]:
    return service.clear(subject(query.user_id), acting_admin())


@api.post("/cart/items", summary="Put a product into the cart")
@user
@answers(
    shapes.CartItem, QuantityOutOfBounds, CartFull, ProductNotFound, UserNotFound,
    status=201, headers=(headers.LOCATION,),
)
def add_item(query: WhoseCart, body: ItemBody) -> tuple[dict[str, Any], int, dict[str, str]]:
    """On top of what lies there of the same product."""
    owner = subject(query.user_id)
    item = service.add(owner, body.product_id, body.quantity, acting_admin())
    return item, 201, {"Location": f"/api/cart/items/{item['cartItemId']}"}


@api.get("/cart/items/<id:itemId>", summary="One item of the cart")
@user
@answers(shapes.CartItem, NoSuchItem)
def get_item(path: ItemPath, query: WhoseCart) -> dict[str, Any]:
    return service.item(path.item_id, _reach(query))


@api.patch("/cart/items/<id:itemId>", summary="Change how many")
@user
@answers(shapes.CartItem, QuantityOutOfBounds, NoSuchItem)
def change_item(path: ItemPath, query: WhoseCart, body: QuantityBody) -> dict[str, Any]:
    return service.set_quantity(path.item_id, _reach(query), body.quantity, acting_admin())


@api.delete("/cart/items/<id:itemId>", summary="Take an item out of the cart")
@user
@answers(None, NoSuchItem, status=204)
def remove_item(path: ItemPath, query: WhoseCart) -> Response:
    service.remove(path.item_id, _reach(query), acting_admin())
    return nothing()
