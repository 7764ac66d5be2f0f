"""What the cart refuses."""

from domain.kernel.errors import DomainError, InvalidRequest, NoSuchThing


class NoSuchItem(NoSuchThing):
    """COMMON005: no such item, or it lies in somebody else's cart."""

    title = "No such cart item"


class QuantityOutOfBounds(DomainError):
    """O001: fewer or more of a product than a line of a cart may hold."""

    code, status, title = "O001", 422, "Quantity out of bounds"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=[{"pointer": "/quantity", "detail": detail}])


class CartFull(InvalidRequest):
    """COMMON001: one more product than a cart holds."""

    title = "Cart full"

    def __init__(self, limit: int) -> None:
        detail = f"A cart holds {limit} products at most."
        super().__init__(detail, errors=[{"pointer": "/productId", "detail": detail}])
