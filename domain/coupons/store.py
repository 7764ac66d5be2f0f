"""SQL by which coupons are made, changed and read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.coupons.rules import HoldingStatus, NewCoupon
from infra.database import execute, rows


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon, with how many of it are issued."""

    id: int
    name: str
    discount_type: str
    discount_value: int
    min_order_amount: int
    max_quantity: int
    issued_quantity: int
    starts_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """A user's coupon."""

    id: int
    user_id: int
    coupon_id: int
    name: str
    discount_type: str
    discount_value: int
    issued_at: datetime
    used_at: datetime | None
    expires_at: datetime


_COUPON = (
    "SELECT c.id, c.name, c.discount_type, c.discount_value, c.min_order_amount, c.max_quantity, "
    "c.issued_quantity, c.starts_at, c.expires_at FROM coupons c "
)
_HOLDING = (
    "SELECT h.id, h.user_id, h.coupon_id, c.name, c.discount_type, c.discount_value, h.issued_at, "
    "h.used_at, h.expires_at FROM user_coupons h JOIN coupons c ON c.id = h.coupon_id "
)


def issuable(after: tuple[datetime, int] | None, at: datetime, limit: int) -> list[Coupon]:
    """Coupons that can be had now or later, those that expire first before the others, behind the
    (expires_at, id) of the last one seen."""
    clause = ""
    params: list[Any] = [at]
    if after is not None:
        # A range for the equals and one for the rest: (a, b) > (x, y) would read the whole index.
        clause = "AND (c.expires_at > %s OR (c.expires_at = %s AND c.id > %s)) "
        params += [after[0], after[0], after[1]]
    found = rows(
        _COUPON + "JOIN coupon_gates g ON g.coupon_id = c.id "
        f"WHERE c.expires_at > %s {clause}AND g.sold_out = 0 AND g.paused = 0 "
        "ORDER BY c.expires_at, c.id LIMIT %s",
        (*params, limit),
    )
    return [Coupon(*row) for row in found]


def find(coupon_id: int) -> Coupon | None:
    """The coupon, None if there is none."""
    found = rows(_COUPON + "WHERE c.id = %s", (coupon_id,))
    return Coupon(*found[0]) if found else None


def lock(coupon_id: int) -> Coupon | None:
    """The same, its row locked until the transaction's end."""
    found = rows(_COUPON + "WHERE c.id = %s FOR UPDATE", (coupon_id,))
    return Coupon(*found[0]) if found else None


def insert(coupon: NewCoupon) -> int:
    """Insert a coupon and return its id."""
    cursor = execute(
        "INSERT INTO coupons (name, discount_type, discount_value, min_order_amount, max_quantity, "
        "starts_at, expires_at) VALUES (%s,%s,%s,%s,%s,%s,%s)",
        (
            coupon.name, str(coupon.discount.type), coupon.discount.value,
            coupon.min_order_amount, coupon.max_quantity, coupon.starts_at, coupon.expires_at,
        ),
    )
    return int(cursor.lastrowid)


def set_max_quantity(coupon_id: int, quantity: int) -> None:
    """Write the total of a locked coupon."""
    execute("UPDATE coupons SET max_quantity = %s WHERE id = %s", (quantity, coupon_id))


_STATUS = {
    HoldingStatus.AVAILABLE: "AND h.used_at IS NULL AND h.expires_at > %s ",
    HoldingStatus.USED: "AND h.used_at IS NOT NULL ",
    HoldingStatus.EXPIRED: "AND h.used_at IS NULL AND h.expires_at <= %s ",
}


def held_by(
    user_id: int, status: HoldingStatus | None, at: datetime, before: int | None, limit: int
) -> list[Holding]:
    """A user's coupons that stand so at that instant, newest first, older than the id given."""
    clause = _STATUS[status] if status else ""
    params: list[Any] = [user_id, *([at] if "%s" in clause else [])]
    if before is not None:
        clause += "AND h.id < %s "
        params.append(before)
    found = rows(
        _HOLDING + f"WHERE h.user_id = %s {clause}ORDER BY h.id DESC LIMIT %s", (*params, limit)
    )
    return [Holding(*row) for row in found]


def holding(user_coupon_id: int) -> Holding | None:
    """A user's coupon, None if there is none."""
    found = rows(_HOLDING + "WHERE h.id = %s", (user_coupon_id,))
    return Holding(*found[0]) if found else None
