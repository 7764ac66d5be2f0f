"""Products, as they are shown."""

from typing import Annotated

from pydantic import Field, RootModel

from web.schemas import Id, Shape
from web.shapes.basics import Count, NextCursor, Timestamp, Won, absent, example

_LISTED = {
    "productId": 1, "name": "Drop hoodie", "price": 59_000, "stock": 118, "category": "clothes",
    "salesCount": 2,
}


class ListedProduct(Shape):
    model_config = example(**_LISTED)

    product_id: Id
    name: str
    price: Won
    stock: Count
    category: str | None
    sales_count: Annotated[int, Field(ge=0, description="Of all time")]


class ProductList(Shape):
    model_config = example(products=[_LISTED], nextCursor="WyJuZXdlc3QiLDEsMV0")

    products: list[ListedProduct]
    next_cursor: NextCursor


class Product(ListedProduct):
    model_config = example(
        **_LISTED, description="Heavy cotton.", createdAt="2026-11-24T09:00:00.000Z", maxPerUser=2
    )

    description: str
    created_at: Timestamp
    max_per_user: Annotated[int, Field(ge=1)] = absent(
        description="Absent: as many as there are"
    )


class Stock(Shape):
    model_config = example(productId=1, stock=118, available=True)

    product_id: Id
    stock: Count
    available: bool


class Restock(Shape):
    model_config = example(productId=1, quantity=50, stock=168, wasOut=False)

    product_id: Id
    quantity: Annotated[int, Field(ge=1)]
    stock: Annotated[int, Field(ge=1, description="After the delivery")]
    was_out: Annotated[bool, Field(description="There was none before it")]


class PopularProduct(ListedProduct):
    model_config = example(rank=1, **_LISTED)

    rank: Annotated[int, Field(ge=1)]
    sales_count: Annotated[int, Field(ge=0, description="In the days asked for")]


class PopularProducts(RootModel[list[PopularProduct]]):
    """The best seller first."""
