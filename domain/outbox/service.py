"""What operators may see of the outbox, and do to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel.clock import rfc3339
from domain.outbox import store
from domain.outbox.errors import NoSuchEvent
from domain.outbox.nudge import nudge
from infra.database import run_transaction, session
from infra.metrics import outbox_oldest_seconds, outbox_pending

COUNT_LIMIT = 100_000
"""Waiting events are counted no further: beyond it only "very many" matters."""
STATUSES = ("pending", "published", "dead")

_REDRIVE_BATCH = 500
_READ = 5_000


@dataclass(frozen=True, slots=True)
class PendingStats:
    """How many events wait, up to ``COUNT_LIMIT``, and the age of the oldest in seconds."""

    count: int
    oldest_seconds: float


def pending_stats() -> PendingStats:
    """Look, and set the gauges of /metrics to what is there."""
    with session():
        stats = PendingStats(store.count_pending(COUNT_LIMIT), store.oldest_pending_seconds())
    outbox_pending.set(stats.count)
    outbox_oldest_seconds.set(stats.oldest_seconds)
    return stats


def dead_count(limit: int) -> int:
    """How many events are dead, counted to ``limit``."""
    with session():
        return store.count_dead(limit)


Book = Callable[[str, int], None]
"""Writes down, in the transaction of a redrive, what was sent again: ``event:7``, or ``event:*``,
and how many that were. The outbox knows no slice, so its caller says how."""


def redrive(event_row_id: int, book: Book) -> dict[str, Any]:
    """Send a dead event again, with all its attempts before it; return the event as it then is.

    It comes late: after events of its aggregate that were published meanwhile. An event that is not
    dead is left as it is, so repeating does no harm. Raises NoSuchEvent.
    """

    def work() -> tuple[int, dict[str, Any] | None]:
        revived = store.revive(event_row_id)
        if revived:
            book(f"event:{event_row_id}", revived)
        return revived, store.one(event_row_id)

    revived, event = run_transaction(work, restarts_lock_waits=False)
    if event is None:
        raise NoSuchEvent
    if revived:
        nudge()
    return _shown(event)


def redrive_all(book: Book) -> int:
    """Send all dead events again, in small transactions, each with its line in the book; return
    how many."""

    def work() -> int:
        revived = store.revive_some(_REDRIVE_BATCH)
        if revived:
            book("event:*", revived)
        return revived

    total = 0
    while revived := run_transaction(work, restarts_lock_waits=False):
        total += revived
    if total:
        nudge()
    return total


def event_ids(after: int = 0) -> Iterator[list[tuple[int, bytes]]]:
    """(row id, event id) of every event behind the row ``after``, in short reads."""
    while True:
        with session():
            found = store.event_ids(after, _READ)
        if not found:
            return
        yield found
        after = found[-1][0]


def list_events(
    status: str | None, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Events without their payloads, newest first, and the cursor of the next page, if any.

    ``status``: one of ``STATUSES``, or None for all. Raises ValueError for a cursor that is none
    of ours, or an unknown status.
    """
    found = page(status, int(cursor) if cursor else None, limit + 1)
    shown = found[:limit]
    return shown, str(shown[-1]["id"]) if len(found) > limit else None


def page(status: str | None, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` events without their payloads, newest first, older than the row ``before``.

    ``status``: one of ``STATUSES``, or None for all. Raises ValueError for an unknown one.
    """
    if status is not None and status not in STATUSES:
        raise ValueError(f"no such status: {status}")
    with session():
        return [_shown(event) for event in store.page(status, limit, before)]


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": event["id"],
        "eventId": str(UUID(bytes=event["event_id"])),
        "aggregateType": event["aggregatetype"],
        "aggregateId": event["aggregateid"],
        "type": event["type"],
        "status": event["status"],
        "attempts": event["attempts"],
        "createdAt": _instant(event["created_at"]),
        "nextAttemptAt": _instant(event["next_attempt_at"]),
        "publishedAt": _instant(event["published_at"]),
        "deadAt": _instant(event["dead_at"]),
        "lastError": event["last_error"],
    }
    return {name: value for name, value in result.items() if value is not None}


def _instant(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None
