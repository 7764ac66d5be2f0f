"""SQL of ``order_exports``: one row an event; all that moves a row on is a compare-and-set.

``status`` goes pending → sending → synced, back to pending after a failure, or to dead.
``pending_order_id`` names the order until the row ends, and ``next_attempt_at`` is the end of the
lease while it is being sent; so each question below has its index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from infra.database import affected, execute, placeholders, rows


@dataclass(frozen=True, slots=True)
class Arrival:
    """An order event as it came; ``payload`` is its JSON."""

    event_id: UUID
    order_id: int
    type: str
    payload: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """An export that this sender may send while its lease lasts."""

    event_id: UUID
    order_id: int
    type: str
    payload: str
    attempts: int
    faults: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed. ``delay`` is in seconds; None ends the export as dead."""

    event_id: UUID
    error: str
    fault: bool
    delay: float | None


def arrive(arrivals: Sequence[Arrival]) -> None:
    """Keep events to be sent; one that is known already stays as it is."""
    params: list[object] = []
    for one in arrivals:
        params += [one.event_id.bytes, one.order_id, one.type, one.payload, one.order_id]
    execute(
        "INSERT INTO order_exports "
        "(event_id, order_id, type, payload, pending_order_id, next_attempt_at) VALUES "
        + placeholders(len(arrivals), "(%s,%s,%s,%s,%s,NOW(3))")
        + " ON DUPLICATE KEY UPDATE event_id = order_exports.event_id",
        params,
    )


def unheard_of(first: int, last: int, days: int) -> list[Arrival]:
    """Published order events of outbox rows ``first`` to ``last``, of the last ``days`` days, of
    which there is no export. (Those of older ones may have been purged.)"""
    found = rows(
        "SELECT o.event_id, o.aggregateid, o.type, o.payload FROM outbox_events o "
        "FORCE INDEX (PRIMARY) LEFT JOIN order_exports e ON e.event_id = o.event_id "
        "WHERE o.id BETWEEN %s AND %s AND o.aggregatetype = 'order' "
        "AND o.status = 'published' AND o.created_at >= NOW(3) - INTERVAL %s DAY "
        "AND e.event_id IS NULL ORDER BY o.id",
        (first, last, days),
    )
    return [Arrival(UUID(bytes=event_id), *rest) for event_id, *rest in found]


def due(limit: int) -> list[bytes]:
    """Ids of exports whose time has come and that are the oldest unended one of their order."""
    found = rows(
        "SELECT e.event_id FROM order_exports e "
        "WHERE e.status = 'pending' AND e.next_attempt_at <= NOW(3) AND NOT EXISTS ("
        "SELECT 1 FROM order_exports earlier "
        "WHERE earlier.pending_order_id = e.order_id AND earlier.position < e.position) "
        "ORDER BY e.next_attempt_at LIMIT %s",
        (limit,),
    )
    return sorted(event_id for (event_id,) in found)


def claim(token: bytes, event_ids: Sequence[bytes], seconds: float) -> list[Claimed]:
    """Take a lease of ``seconds`` on those of ``event_ids`` that nobody took before us."""
    within = placeholders(len(event_ids))
    microseconds = int(seconds * 1_000_000)
    taken = affected(
        "UPDATE order_exports SET status = 'sending', lease_token = %s, "
        "lease_until = NOW(3) + INTERVAL %s MICROSECOND, "
        "next_attempt_at = NOW(3) + INTERVAL %s MICROSECOND "
        f"WHERE event_id IN ({within}) AND status = 'pending' AND next_attempt_at <= NOW(3)",
        (token, microseconds, microseconds, *event_ids),
    )
    if not taken:
        return []
    found = rows(
        "SELECT event_id, order_id, type, payload, attempts, faults FROM order_exports "
        f"WHERE event_id IN ({within}) AND status = 'sending' AND lease_token = %s "
        "ORDER BY position",
        (*event_ids, token),
    )
    return [Claimed(UUID(bytes=event_id), *rest) for event_id, *rest in found]


def synced(token: bytes, event_ids: Sequence[UUID]) -> int:
    """The platform acknowledged these. Returns how many were still ours to mark."""
    return affected(
        "UPDATE order_exports SET status = 'synced', synced_at = NOW(3), attempts = attempts + 1, "
        "pending_order_id = NULL, lease_token = NULL, lease_until = NULL "
        f"WHERE event_id IN ({placeholders(len(event_ids))}) "
        "AND status = 'sending' AND lease_token = %s",
        (*[event_id.bytes for event_id in event_ids], token),
    )


def failed(token: bytes, failures: Sequence[Failure]) -> int:
    """Put these back for another call, or end them. Returns how many were still ours to mark."""
    news = "SELECT %s AS event_id, %s AS error, %s AS fault, %s AS dead, %s AS delay"
    params: list[object] = []
    for one in failures:
        delay = int((one.delay or 0.0) * 1_000_000)
        params += [one.event_id.bytes, one.error, one.fault, one.delay is None, delay]
    return affected(
        f"UPDATE order_exports e JOIN ({' UNION ALL '.join([news] * len(failures))}) f "
        "ON e.event_id = f.event_id SET "
        "e.status = IF(f.dead, 'dead', 'pending'), "
        "e.pending_order_id = IF(f.dead, NULL, e.order_id), "
        "e.attempts = e.attempts + 1, e.faults = e.faults + f.fault, e.last_error = f.error, "
        "e.next_attempt_at = NOW(3) + INTERVAL f.delay MICROSECOND, "
        "e.lease_token = NULL, e.lease_until = NULL "
        "WHERE e.status = 'sending' AND e.lease_token = %s",
        (*params, token),
    )


def release(token: bytes, event_ids: Sequence[UUID]) -> int:
    """Give leases back unused: another sender may send these now."""
    return affected(
        "UPDATE order_exports SET status = 'pending', next_attempt_at = NOW(3), "
        "lease_token = NULL, lease_until = NULL "
        f"WHERE event_id IN ({placeholders(len(event_ids))}) "
        "AND status = 'sending' AND lease_token = %s",
        (*[event_id.bytes for event_id in event_ids], token),
    )


def take_over(limit: int) -> int:
    """Make exports pending again whose sender let its lease run out. Returns how many."""
    return affected(
        "UPDATE order_exports SET status = 'pending', lease_token = NULL, lease_until = NULL "
        "WHERE status = 'sending' AND next_attempt_at <= NOW(3) "
        "ORDER BY next_attempt_at LIMIT %s",
        (limit,),
    )


def waiting(limit: int) -> int:
    """How many exports have not ended yet, counted to ``limit``."""
    [(count,)] = rows(
        "SELECT COUNT(*) FROM (SELECT 1 FROM order_exports "
        "WHERE pending_order_id IS NOT NULL LIMIT %s) unended",
        (limit,),
    )
    return int(count)


def dead(limit: int) -> int:
    """How many exports were given up, counted to ``limit``."""
    sql = "SELECT 1 FROM order_exports WHERE status = 'dead' LIMIT %s"
    return int(rows(f"SELECT COUNT(*) FROM ({sql}) given_up", (limit,))[0][0])


@dataclass(frozen=True, slots=True)
class Export:
    """What sync status is told from."""

    type: str
    status: str
    attempts: int
    synced_at: datetime | None
    last_error: str | None


def of_order(order_id: int) -> list[Export]:
    """An order's exports, oldest first."""
    found = rows(
        "SELECT type, status, attempts, synced_at, last_error FROM order_exports "
        "WHERE order_id = %s ORDER BY position",
        (order_id,),
    )
    return [Export(*row) for row in found]


def order_status(order_id: int) -> str | None:
    """The order's own status, None if there is no such order."""
    found: list[tuple[Any, ...]] = rows("SELECT status FROM orders WHERE id = %s", (order_id,))
    return found[0][0] if found else None


def rearm(order_id: int) -> None:
    """Have all of an order's exports sent now, with all their tries; those under way are left."""
    execute(
        "UPDATE order_exports SET status = 'pending', pending_order_id = order_id, faults = 0, "
        "next_attempt_at = NOW(3), synced_at = NULL "
        "WHERE order_id = %s AND status <> 'sending'",
        (order_id,),
    )


def beat(detail: str) -> None:
    """The sender's sign of life, with what it knows of the data platform, as JSON."""
    execute(
        "INSERT INTO heartbeats (name, beat_at, detail) VALUES (%s, NOW(3), %s) "
        "ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at), detail = VALUES(detail)",
        ("exports", detail),
    )
