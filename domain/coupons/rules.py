"""What a coupon gives, to whom, and when. Pure: values in, decision out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.coupons.errors import (
    AlreadyIssued,
    BelowMinimum,
    CouponExpired,
    CouponNotFound,
    CouponUsed,
    NotOpenYet,
    SoldOut,
)
from domain.kernel.errors import DomainError, InvalidRequest, Unavailable
from domain.kernel.money import percentage_of

MAX_PERCENTAGE = 100
MAX_QUANTITY = 10**9


class DiscountType(StrEnum):
    """How a discount is reckoned: in percent of the order, or in won."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Discount:
    """``value`` percent, or ``value`` won."""

    type: DiscountType
    value: int

    def on(self, total: int) -> int:
        """The won that an order of ``total`` is reduced by: rounded down, never over the total."""
        if self.type == DiscountType.PERCENTAGE:
            return min(total, percentage_of(total, self.value))
        return min(total, self.value)


@dataclass(frozen=True, slots=True)
class NewCoupon:
    """A coupon to be made; instants are UTC without a zone, as stored."""

    name: str
    discount: Discount
    max_quantity: int
    expires_at: datetime
    min_order_amount: int = 0
    starts_at: datetime | None = None


def check_new(coupon: NewCoupon, at: datetime) -> None:
    """Whether the parts of a new coupon go together. Raises InvalidRequest, naming the part."""
    discount = coupon.discount
    if discount.type == DiscountType.PERCENTAGE and discount.value > MAX_PERCENTAGE:
        raise _invalid("/discountValue", f"A percentage is {MAX_PERCENTAGE} at most.")
    if coupon.expires_at <= at:
        raise _invalid("/expiresAt", "A new coupon expires in the future.")
    if coupon.starts_at is not None and coupon.starts_at >= coupon.expires_at:
        raise _invalid("/startsAt", "A coupon opens before it expires.")


def check_quantity(quantity: int, issued: int) -> None:
    """Whether ``quantity`` may become a coupon's total. Raises InvalidRequest."""
    if quantity < issued:
        raise _invalid("/maxQuantity", f"{issued} have been issued already.")


def _invalid(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=[{"pointer": pointer, "detail": detail}])


@dataclass(frozen=True, slots=True)
class Gate:
    """A coupon's acceptance: whether requests are let in at all."""

    sold_out: bool
    paused: bool
    starts_at: datetime | None
    expires_at: datetime


def refusal(gate: Gate | None, at: datetime) -> DomainError | None:
    """Why a request accepted ``at`` that instant is not let in; None if it is."""
    if gate is None:
        return CouponNotFound()
    if gate.sold_out:
        return SoldOut()
    if gate.starts_at is not None and at < gate.starts_at:
        return NotOpenYet(gate.starts_at)
    if at >= gate.expires_at:
        return CouponExpired()
    if gate.paused:
        return Unavailable("Issuing this coupon is paused.")
    return None


class Supply:
    """A locked coupon while a batch of requests decides about it, by ascending sequence."""

    __slots__ = (
        "coupon_id", "discount", "expires_at", "holders", "issued", "max_quantity", "name",
        "opening",
    )

    def __init__(
        self,
        coupon_id: int,
        name: str,
        discount: Discount,
        max_quantity: int,
        issued: int,
        expires_at: datetime,
    ) -> None:
        self.coupon_id = coupon_id
        self.name = name
        self.discount = discount
        self.max_quantity = max_quantity
        self.opening = issued
        self.issued = issued
        self.expires_at = expires_at
        self.holders: set[int] = set()

    @property
    def sold_out(self) -> bool:
        return self.issued >= self.max_quantity

    def check(self, user_id: int, accepted_at: datetime) -> None:
        """Whether a request of this user, accepted at that instant, gets one; nothing moves.

        Raises AlreadyIssued, which uses up no coupon, CouponExpired and SoldOut.
        """
        if user_id in self.holders:
            raise AlreadyIssued
        if accepted_at >= self.expires_at:
            raise CouponExpired
        if self.sold_out:
            raise SoldOut

    def issue(self, user_id: int) -> None:
        """Give one to this user. The caller has asked :meth:`check`; ValueError if not."""
        if self.sold_out or user_id in self.holders:
            raise ValueError(f"coupon {self.coupon_id} is not to be issued to user {user_id}")
        self.issued += 1
        self.holders.add(user_id)


@dataclass(slots=True)
class HeldCoupon:
    """A user's coupon while orders decide about it, or a question about it is answered."""

    id: int
    coupon_id: int
    user_id: int
    discount: Discount
    min_order_amount: int
    expires_at: datetime
    used: bool

    def check(self, accepted_at: datetime) -> None:
        """Whether an order accepted at that instant may use it. Raises CouponExpired and
        CouponUsed."""
        if accepted_at >= self.expires_at:
            raise CouponExpired
        if self.used:
            raise CouponUsed

    def discount_on(self, total: int, accepted_at: datetime) -> int:
        """What it takes off an order of ``total`` that was accepted at that instant.

        Raises CouponExpired, CouponUsed and BelowMinimum.
        """
        self.check(accepted_at)
        if total < self.min_order_amount:
            raise BelowMinimum(self.min_order_amount)
        return self.discount.on(total)


class HoldingStatus(StrEnum):
    """How a user's coupon stands."""

    AVAILABLE = "available"
    USED = "used"
    EXPIRED = "expired"


def holding_status(used_at: datetime | None, expires_at: datetime, at: datetime) -> HoldingStatus:
    """The status of a user's coupon: a used one stays used when it expires."""
    if used_at is not None:
        return HoldingStatus.USED
    return HoldingStatus.AVAILABLE if at < expires_at else HoldingStatus.EXPIRED
