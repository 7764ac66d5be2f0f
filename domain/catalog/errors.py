"""What the catalog refuses."""

from typing import Any

from domain.kernel.errors import DomainError, InvalidRequest


class ProductNotFound(DomainError):
    code, status, title = "P001", 404, "Product not found"


class NotEnoughStock(DomainError):
    """P002, with ``insufficientItems``: every product of which there is too little."""

    code, status, title = "P002", 409, "Not enough stock"

    def __init__(self, insufficient: list[dict[str, Any]]) -> None:
        """``insufficient``: ``{productId, requestedQuantity, availableStock}`` each."""
        super().__init__(insufficientItems=insufficient)


class TooManyForUser(DomainError):
    """P003: more than one user may buy of a product (``maxPerUser``)."""

    code, status, title = "P003", 409, "More than this user may buy"

    def __init__(self, product_id: int, limit: int) -> None:
        super().__init__(
            f"A user may buy {limit} of product {product_id}.",
            productId=product_id,
            maxPerUser=limit,
        )


class StockTooHigh(InvalidRequest):
    """COMMON001: a delivery that would lift a stock over its bound."""

    title = "Stock would be too high"

    def __init__(self, limit: int, present: int) -> None:
        detail = f"A stock holds {limit} at most, and {present} are there."
        super().__init__(detail, errors=[{"pointer": "/quantity", "detail": detail}])
