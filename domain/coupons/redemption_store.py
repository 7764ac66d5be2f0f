"""SQL by which orders lock, use and give back users' coupons."""

from collections.abc import Sequence
from datetime import datetime

from domain.coupons.rules import Discount, DiscountType, HeldCoupon
from infra.database import affected, placeholders, rows


class UseMoved(RuntimeError):
    """A use changed under this transaction's row lock: the transaction must not commit."""


def find(pairs: Sequence[tuple[int, int]]) -> list[HeldCoupon]:
    """What is held of these (coupon, user) pairs, unlocked, with what it is worth.

    The join is straight, since the other way round all holders of a coupon would be read.
    """
    found = rows(
        "SELECT h.id, h.coupon_id, h.user_id, c.discount_type, c.discount_value, "
        "c.min_order_amount, h.expires_at, h.used_at IS NOT NULL "
        "FROM user_coupons h STRAIGHT_JOIN coupons c ON c.id = h.coupon_id "
        f"WHERE (h.coupon_id, h.user_id) IN ({placeholders(len(pairs), '(%s,%s)')})",
        [value for pair in pairs for value in pair],
    )
    return [
        HeldCoupon(
            id_, coupon_id, user_id, Discount(DiscountType(type_), value), minimum, expires_at,
            bool(used),
        )
        for id_, coupon_id, user_id, type_, value, minimum, expires_at, used in found
    ]


def lock(ids: Sequence[int]) -> dict[int, datetime | None]:
    """Lock users' coupons, by id, and return when each was used."""
    if not ids:
        return {}
    return dict(
        rows(
            f"SELECT id, used_at FROM user_coupons WHERE id IN ({placeholders(len(ids))}) "
            "ORDER BY id FOR UPDATE",
            ids,
        )
    )


def use(uses: Sequence[tuple[int, int]], at: datetime) -> None:
    """Mark as used by their orders: (user coupon, order). Raises UseMoved."""
    whens = " ".join(["WHEN %s THEN %s"] * len(uses))
    used = affected(
        f"UPDATE user_coupons SET used_at = %s, used_by_order_id = CASE id {whens} END "
        f"WHERE id IN ({placeholders(len(uses))}) AND used_at IS NULL",
        [at, *(value for use in uses for value in use), *(id_ for id_, _ in uses)],
    )
    if used != len(uses):
        raise UseMoved(f"{used} of {len(uses)} coupons were unused")


def give_back(uses: Sequence[tuple[int, int]]) -> None:
    """Free of their orders: (user coupon, order). Raises UseMoved."""
    freed = affected(
        "UPDATE user_coupons SET used_at = NULL, used_by_order_id = NULL "
        f"WHERE id IN ({placeholders(len(uses))}) "
        f"AND (id, used_by_order_id) IN ({placeholders(len(uses), '(%s,%s)')})",
        [*(id_ for id_, _ in uses), *(value for use in uses for value in use)],
    )
    if freed != len(uses):
        raise UseMoved(f"{freed} of {len(uses)} coupons were used by their orders")
