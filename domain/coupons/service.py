"""What others may ask of coupons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.admin_audit.service import record
from domain.answers.service import Answer, once
from domain.coupons import gate_store, redemption_store, store
from domain.coupons.errors import CouponNotFound
from domain.coupons.rules import (
    Discount,
    DiscountType,
    HoldingStatus,
    NewCoupon,
    check_new,
    check_quantity,
    holding_status,
)
from domain.coupons.store import Coupon, Holding
from domain.jobs import service as jobs
from domain.jobs.keys import coupon_key
from domain.jobs.kinds import Claim
from domain.kernel.clock import rfc3339
from domain.kernel.errors import DomainError, Unavailable
from domain.wallet import service as wallet
from infra.database import now, run_transaction, session


def issuable(after: tuple[datetime, int] | None, limit: int) -> Sequence[Coupon]:
    """Up to ``limit`` coupons that can be had now or later, by expiry and id, behind ``after``."""
    with session():
        return store.issuable(after, now(), limit)


def coupon(coupon_id: int) -> Coupon:
    """The coupon. Raises CouponNotFound."""
    with session():
        found = store.find(coupon_id)
    if found is None:
        raise CouponNotFound
    return found


def create(new: NewCoupon, admin_id: int, claim: Claim | None = None) -> Answer:
    """Make a coupon and its gate, in one transaction; the answer is the coupon.

    ``claim``: the request's Idempotency-Key. Raises InvalidRequest, KeyReused.
    """

    def work() -> dict[str, Any]:
        check_new(new, now())
        coupon_id = store.insert(new)
        gate_store.insert(coupon_id, new.starts_at, new.expires_at)
        made = represent(coupon(coupon_id))
        record(admin_id, "coupon.create", f"coupon:{coupon_id}", made)
        return made

    return once(claim, work)


def change(
    coupon_id: int, max_quantity: int | None, paused: bool | None, admin_id: int
) -> dict[str, Any]:
    """Set a coupon's total, pause it or let it go on; the answer is the coupon.

    Locks the coupon, then its gate. A total above what is issued opens the gate, one equal to it
    closes it. Raises CouponNotFound, InvalidRequest, and Unavailable as long as a coupon that is
    to be opened again has requests that came too late and have not been told so.
    """

    def work() -> dict[str, Any]:
        found = store.lock(coupon_id)
        if found is None:
            raise CouponNotFound
        total = found.max_quantity if max_quantity is None else max_quantity
        check_quantity(total, found.issued_quantity)
        sold_out = found.issued_quantity >= total
        if found.issued_quantity >= found.max_quantity and not sold_out:
            _require_all_answered(coupon_id)
        store.set_max_quantity(coupon_id, total)
        gate_store.change(coupon_id, sold_out, paused)
        asked = {"maxQuantity": max_quantity, "paused": paused}
        detail = {"asked": asked, "before": represent(found)}
        record(admin_id, "coupon.change", f"coupon:{coupon_id}", detail)
        return represent(coupon(coupon_id))

    return run_transaction(work, restarts_lock_waits=False)


def _require_all_answered(coupon_id: int) -> None:
    """The winners are the lowest sequence numbers: of those that stood in line when it sold out,
    the first have been refused, so that the others must not win what is added now."""
    if jobs.key_has_work(coupon_key(coupon_id)):
        raise Unavailable("Requests from before the coupon sold out are still being answered.")


def validate(user_id: int, coupon_id: int, amount: int) -> dict[str, Any]:
    """Whether the user's coupon would be taken by an order of ``amount`` won, made now.

    Raises CouponNotFound when the user has none.
    """
    with session():
        held = redemption_store.find([(coupon_id, user_id)])
        at = now()
    if not held:
        raise CouponNotFound
    try:
        discount = held[0].discount_on(amount, at)
    except DomainError as refusal:
        return _validation(False, 0, amount, refusal.detail)
    return _validation(True, discount, amount, f"The coupon takes off {discount} won.")


def _validation(valid: bool, discount: int, amount: int, message: str) -> dict[str, Any]:
    return {
        "valid": valid, "discountAmount": discount, "finalAmount": amount - discount,
        "message": message,
    }


def held_by(
    user_id: int, status: HoldingStatus | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Up to ``limit`` of a user's coupons, newest first, older than the user coupon ``before``.

    Raises UserNotFound.
    """
    with session():
        wallet.require(user_id)
        at = now()
        return [_holding(one, at) for one in store.held_by(user_id, status, at, before, limit)]


def owner_and_holding(user_coupon_id: int) -> tuple[int, dict[str, Any]]:
    """A user's coupon, and whose it is. Raises CouponNotFound."""
    with session():
        found = store.holding(user_coupon_id)
        if found is None:
            raise CouponNotFound
        return found.user_id, _holding(found, now())


def represent(coupon: Coupon) -> dict[str, Any]:
    """The coupon as the contract's GET /api/coupons shows it."""
    shown = {
        "couponId": coupon.id,
        "name": coupon.name,
        "discountType": coupon.discount_type,
        "discountValue": coupon.discount_value,
        "minOrderAmount": coupon.min_order_amount,
        "maxQuantity": coupon.max_quantity,
        "issuedQuantity": coupon.issued_quantity,
        "remainingQuantity": coupon.max_quantity - coupon.issued_quantity,
    }
    if coupon.starts_at is not None:
        shown["startsAt"] = rfc3339(coupon.starts_at)
    shown["expiresAt"] = rfc3339(coupon.expires_at)
    return shown


def _holding(held: Holding, at: datetime) -> dict[str, Any]:
    shown = {
        "userCouponId": held.id,
        "couponId": held.coupon_id,
        "name": held.name,
        "discountType": held.discount_type,
        "discountValue": held.discount_value,
        "status": str(holding_status(held.used_at, held.expires_at, at)),
        "issuedAt": rfc3339(held.issued_at),
    }
    if held.used_at is not None:
        shown["usedAt"] = rfc3339(held.used_at)
    shown["expiresAt"] = rfc3339(held.expires_at)
    return shown


__all__ = [
    "Coupon", "Discount", "DiscountType", "HoldingStatus", "NewCoupon", "change", "coupon",
    "create", "held_by", "issuable", "owner_and_holding", "represent", "validate",
]
