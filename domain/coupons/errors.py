"""What the coupons refuse."""

from datetime import datetime

from domain.kernel.clock import rfc3339
from domain.kernel.errors import DomainError


class SoldOut(DomainError):
    code, status, title = "C001", 409, "Coupon sold out"


class CouponNotFound(DomainError):
    """C002: there is no such coupon, or it is not the user's."""

    code, status, title = "C002", 404, "No such coupon"


class CouponExpired(DomainError):
    """C003: the coupon had expired when the request was accepted."""

    code, status, title = "C003", 409, "Coupon expired"


class CouponUsed(DomainError):
    code, status, title = "C004", 409, "Coupon already used"


class AlreadyIssued(DomainError):
    """C006: a user gets each coupon once."""

    code, status, title = "C006", 409, "Coupon already issued to this user"


class BelowMinimum(DomainError):
    """C007: the order is below the coupon's minimum."""

    code, status, title = "C007", 409, "Order below the coupon's minimum"

    def __init__(self, minimum: int) -> None:
        super().__init__(
            f"The coupon needs an order of {minimum} won at least.", minOrderAmount=minimum
        )


class NotOpenYet(DomainError):
    """C008: the coupon is issued from ``startsAt`` on."""

    code, status, title = "C008", 409, "Coupon not open yet"

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(
            f"The coupon opens at {rfc3339(starts_at)}.", startsAt=rfc3339(starts_at)
        )
