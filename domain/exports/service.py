"""The use cases of exports: events arrive, an operator asks how far an order is, or sends again."""

from collections.abc import Iterator, Sequence
from typing import Any

from domain.admin_audit.service import record
from domain.exports import rules, store
from domain.exports.store import Arrival
from domain.kernel.clock import rfc3339
from domain.outbox import service as outbox
from infra.database import run_transaction, session


def arrive(arrivals: Sequence[Arrival]) -> None:
    """Keep order events to be sent, each once however often it comes."""
    run_transaction(lambda: store.arrive(arrivals))


def unheard_of(days: int) -> Iterator[list[Arrival]]:
    """Order events of the last ``days`` days that were published and of which there is no export.

    Such there are only in a database that was put back: the event had left, and its arrival from
    Kafka was written down after the backup. Kafka gives it to us no second time.
    """
    for read in outbox.event_ids():
        with session():
            found = store.unheard_of(read[0][0], read[-1][0], days)
        if found:
            yield found


def unended(limit: int) -> tuple[int, int]:
    """How many exports wait for the platform, and how many were given up, each to ``limit``."""
    with session():
        return store.waiting(limit), store.dead(limit)


def sync_status(order_id: int) -> dict[str, Any] | None:
    """``{orderId, synced, syncedAt?, syncAttempts, lastSyncError?}``; None: no such order.

    ``synced`` says that the platform has acknowledged every event that the order owes by now.
    ``lastSyncError`` is the last one there was, even if a later call succeeded.
    """
    with session():
        status = store.order_status(order_id)
        exports = store.of_order(order_id)
    return None if status is None else _shown(order_id, status, exports)


def resync(order_id: int, admin_id: int) -> dict[str, Any] | None:
    """Have all of an order's exports sent again, and answer its sync status; None: no such order.

    They go out under the same Idempotency-Keys, since an event is the same event however often it
    is sent: a platform that has it answers as before and books nothing twice, one that lost it
    books it. An order whose events have not arrived from Kafka yet has nothing to send again.
    """
    if sync_status(order_id) is None:
        return None

    def work() -> None:
        store.rearm(order_id)
        record(admin_id, "order.resync", f"order:{order_id}", {})

    run_transaction(work, restarts_lock_waits=False)
    return sync_status(order_id)


def _shown(order_id: int, status: str, exports: Sequence[store.Export]) -> dict[str, Any]:
    acknowledged = {one.type for one in exports if one.status == "synced"}
    unended = any(one.status != "synced" for one in exports)
    synced = not unended and rules.owed(status) <= acknowledged
    shown: dict[str, Any] = {
        "orderId": order_id,
        "synced": synced,
        "syncAttempts": sum(one.attempts for one in exports),
    }
    times = [one.synced_at for one in exports if one.synced_at is not None]
    errors = [one.last_error for one in exports if one.last_error is not None]
    if synced and times:
        shown["syncedAt"] = rfc3339(max(times))
    if errors:
        shown["lastSyncError"] = errors[-1]
    return shown


__all__ = ["Arrival", "arrive", "resync", "sync_status", "unended", "unheard_of"]
