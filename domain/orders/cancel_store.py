"""SQL by which orders are cancelled."""

from collections.abc import Sequence
from datetime import datetime

from infra.database import affected, placeholders


class OrderMoved(RuntimeError):
    """An order changed under this transaction's row lock: the transaction must not commit."""


def cancel(cancelled: Sequence[tuple[int, int]], at: datetime) -> None:
    """Mark completed orders as cancelled by their jobs: (order, job). Raises OrderMoved."""
    whens = " ".join(["WHEN %s THEN %s"] * len(cancelled))
    updated = affected(
        "UPDATE orders SET status = 'CANCELLED', cancelled_at = %s, "
        f"cancel_job_id = CASE id {whens} END "
        f"WHERE id IN ({placeholders(len(cancelled))}) AND status = 'COMPLETED'",
        [at, *(value for pair in cancelled for value in pair), *(id_ for id_, _ in cancelled)],
    )
    if updated != len(cancelled):
        raise OrderMoved(f"{updated} of {len(cancelled)} orders were completed")


def refund(order_ids: Sequence[int], at: datetime) -> None:
    """Mark the payments of cancelled orders as refunded. Raises OrderMoved."""
    updated = affected(
        "UPDATE payments SET refunded_at = %s "
        f"WHERE order_id IN ({placeholders(len(order_ids))}) AND refunded_at IS NULL",
        (at, *order_ids),
    )
    if updated != len(order_ids):
        raise OrderMoved(f"{updated} of {len(order_ids)} payments were not refunded yet")
