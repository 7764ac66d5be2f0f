"""How orders use coupons, and give them back: the door through which orders reach this slice.

A user's coupons change only under the lock of their user's row, which an order takes first. What a
coupon is worth never changes once it is made, so the coupon's own row, which issuing locks, needs
no lock here: an order never waits for a coupon that is being handed out.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from domain.coupons import redemption_store
from domain.coupons.errors import CouponNotFound
from domain.coupons.rules import HeldCoupon
from domain.kernel.errors import DomainError

Use = tuple[int, int]
"""User coupon id, order id."""


def lock(wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], HeldCoupon]:
    """Lock what is there of the (user, coupon) pairs, by the ids of the users' coupons."""
    if not wanted:
        return {}
    held = redemption_store.find([(coupon_id, user_id) for user_id, coupon_id in wanted])
    used = redemption_store.lock(sorted(one.id for one in held))
    for one in held:
        one.used = used[one.id] is not None
    return {(one.user_id, one.coupon_id): one for one in held}


def against(user_id: int, coupon_id: int, at: datetime) -> DomainError | None:
    """What stands now against an order, accepted ``at`` that instant, that uses the coupon.

    Nothing is locked, so it may be another thing, or nothing, when the order is made.
    """
    held = redemption_store.find([(coupon_id, user_id)])
    if not held:
        return CouponNotFound("The user has no such coupon.")
    try:
        held[0].check(at)
    except DomainError as refusal:
        return refusal
    return None


def use(uses: Sequence[Use], at: datetime) -> None:
    """Mark locked coupons as used by orders. Raises UseMoved unless none was used."""
    if uses:
        redemption_store.use(uses, at)


def lock_used(user_coupon_ids: Collection[int]) -> None:
    """Lock users' coupons by id, to give them back."""
    redemption_store.lock(sorted(user_coupon_ids))


def give_back(uses: Sequence[Use]) -> None:
    """Free locked coupons of the orders that used them, be they expired by now.

    Raises UseMoved unless each was used by its order.
    """
    if uses:
        redemption_store.give_back(uses)


__all__ = [
    "CouponNotFound", "HeldCoupon", "Use", "against", "give_back", "lock", "lock_used", "use",
]
