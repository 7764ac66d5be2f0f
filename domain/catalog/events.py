"""What the catalog tells others."""

from domain.catalog.rules import Restock
from domain.outbox.events import Event


def product_restocked(restock: Restock, traceparent: str | None) -> Event:
    """``product.restocked``: ``wasOut`` says that those who waited for the product can be told."""
    data = {
        "productId": restock.product_id,
        "quantity": restock.quantity,
        "stock": restock.stock,
        "wasOut": restock.was_out,
    }
    return Event("product", restock.product_id, "product.restocked", data, traceparent)
