"""What the orders refuse."""

from domain.kernel.errors import DomainError


class OrderNotFound(DomainError):
    """O002: there is no such order, or it is somebody else's."""

    code, status, title = "O002", 404, "Order not found"


class CartEmpty(DomainError):
    code, status, title = "O003", 409, "Cart empty"


class NotCancellable(DomainError):
    """O004: only a completed order can be cancelled, and once."""

    code, status, title = "O004", 409, "Order cannot be cancelled"


class Changed(DomainError):
    """O005: the cart, or its total, is not what the order was asked for."""

    code, status, title = "O005", 409, "Cart or total changed since"
