"""SQL of the coupons' gates."""

from collections.abc import Sequence
from datetime import datetime

from domain.coupons.rules import Gate
from infra.database import affected, execute, placeholders, rows


class GateMoved(RuntimeError):
    """A gate was not as its coupon's row says: the transaction must not commit."""


def advance(coupon_id: int, count: int, at: datetime) -> int | None:
    """Hand out the next ``count`` sequence numbers of an open gate and return the last.

    None when the gate is not open at that instant. LAST_INSERT_ID(expression) carries the value to
    the client with the statement's own answer:
    https://dev.mysql.com/doc/c-api/8.4/en/mysql-insert-id.html
    """
    cursor = execute(
        "UPDATE coupon_gates SET next_seq = LAST_INSERT_ID(next_seq + %s) "
        "WHERE coupon_id = %s AND sold_out = 0 AND paused = 0 "
        "AND (starts_at IS NULL OR starts_at <= %s) AND expires_at > %s",
        (count, coupon_id, at, at),
    )
    return int(cursor.lastrowid) if cursor.rowcount == 1 else None


def find(coupon_id: int) -> Gate | None:
    """The gate as committed now."""
    found = rows(
        "SELECT sold_out, paused, starts_at, expires_at FROM coupon_gates WHERE coupon_id = %s",
        (coupon_id,),
    )
    return Gate(bool(found[0][0]), bool(found[0][1]), *found[0][2:]) if found else None


def insert(coupon_id: int, starts_at: datetime | None, expires_at: datetime) -> None:
    """Put a gate before a new coupon."""
    execute(
        "INSERT INTO coupon_gates (coupon_id, starts_at, expires_at) VALUES (%s, %s, %s)",
        (coupon_id, starts_at, expires_at),
    )


def close(coupon_ids: Sequence[int]) -> None:
    """Close the gates of coupons that this transaction issued the last of. Raises GateMoved."""
    closed = affected(
        "UPDATE coupon_gates SET sold_out = 1 "
        f"WHERE sold_out = 0 AND coupon_id IN ({placeholders(len(coupon_ids))})",
        coupon_ids,
    )
    if closed != len(coupon_ids):
        raise GateMoved(f"{closed} of {len(coupon_ids)} gates were open")


def change(coupon_id: int, sold_out: bool, paused: bool | None) -> None:
    """Open or close a gate, and pause it or let it go on; ``paused`` None: as it is."""
    execute(
        "UPDATE coupon_gates SET sold_out = %s, paused = COALESCE(%s, paused) "
        "WHERE coupon_id = %s",
        (sold_out, paused, coupon_id),
    )
