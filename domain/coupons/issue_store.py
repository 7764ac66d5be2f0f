"""SQL by which coupons are issued."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.coupons.rules import Discount, DiscountType, Supply
from domain.jobs.kinds import Job
from infra.database import affected, placeholders, rows, several


class CountMoved(RuntimeError):
    """An issued count changed under this transaction's row lock: it must not commit."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new row of user_coupons."""

    id: int
    at: datetime


def lock_supplies(coupon_ids: Collection[int]) -> dict[int, Supply]:
    """Lock the coupons that exist, by id."""
    found = rows(
        "SELECT id, name, discount_type, discount_value, max_quantity, issued_quantity, expires_at "
        f"FROM coupons WHERE id IN ({placeholders(len(coupon_ids))}) ORDER BY id FOR UPDATE",
        sorted(coupon_ids),
    )
    return {
        id_: Supply(id_, name, Discount(DiscountType(type_), value), total, issued, expires_at)
        for id_, name, type_, value, total, issued, expires_at in found
    }


def holders(pairs: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the (coupon, user) pairs that hold one. Unlocked: only whoever holds the coupon's
    lock issues it."""
    return [
        (coupon_id, user_id)
        for coupon_id, user_id in rows(
            "SELECT coupon_id, user_id FROM user_coupons "
            f"WHERE (coupon_id, user_id) IN ({placeholders(len(pairs), '(%s,%s)')})",
            [value for pair in pairs for value in pair],
        )
    ]


def insert(winners: Sequence[tuple[Job, Supply]]) -> dict[tuple[int, int], Issued]:
    """Insert a user's coupon for each job, and return them by (coupon, user)."""
    params: list[object] = []
    for job, supply in winners:
        params += [supply.coupon_id, job.user_id, job.id, job.seq, supply.expires_at]
    _, found = several(
        (
            "INSERT INTO user_coupons (coupon_id, user_id, job_id, seq, expires_at, issued_at) "
            "VALUES " + placeholders(len(winners), "(%s,%s,%s,%s,%s,NOW(3))"),
            params,
        ),
        (
            "SELECT coupon_id, user_id, id, issued_at FROM user_coupons "
            f"WHERE (coupon_id, user_id) IN ({placeholders(len(winners), '(%s,%s)')})",
            [value for job, supply in winners for value in (supply.coupon_id, job.user_id)],
        ),
    )
    return {(coupon_id, user_id): Issued(id_, at) for coupon_id, user_id, id_, at in found}


def write_counts(supplies: Sequence[Supply]) -> None:
    """Write how many are issued, each from the count that was read. Raises CountMoved."""
    whens = " ".join(["WHEN %s THEN %s"] * len(supplies))
    some = placeholders(len(supplies))
    pairs = placeholders(len(supplies), "(%s,%s)")
    updated = affected(
        f"UPDATE coupons SET issued_quantity = CASE id {whens} END "
        f"WHERE id IN ({some}) AND (id, issued_quantity) IN ({pairs})",
        [
            *(value for one in supplies for value in (one.coupon_id, one.issued)),
            *(one.coupon_id for one in supplies),
            *(value for one in supplies for value in (one.coupon_id, one.opening)),
        ],
    )
    if updated != len(supplies):
        raise CountMoved(f"{updated} of {len(supplies)} issued counts were as read")
