"""What the catalog tells others."""

from typing import Annotated

from pydantic import Field

from domain.catalog.rules import MAX_STOCK, Restock
from domain.outbox.event_types import EventData, EventType, Id
from domain.outbox.events import EXAMPLE_TRACE, Event


class ProductRestocked(EventData):
    """A delivery of a product came in."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=MAX_STOCK, description="How many came in")]
    stock: Annotated[int, Field(ge=1, le=MAX_STOCK, description="How many there are since")]
    was_out: bool = Field(description="There were none before: those who waited can be told")


def product_restocked(restock: Restock, traceparent: str | None) -> Event:
    """``product.restocked``: ``wasOut`` says that those who waited for the product can be told."""
    data = {
        "productId": restock.product_id,
        "quantity": restock.quantity,
        "stock": restock.stock,
        "wasOut": restock.was_out,
    }
    return Event("product", restock.product_id, "product.restocked", data, traceparent)


PRODUCT_RESTOCKED = EventType(
    summary="A delivery of a product came in.",
    key="the product's id",
    data=ProductRestocked,
    example=product_restocked(Restock(9, 50, 0, 50), EXAMPLE_TRACE),
)
