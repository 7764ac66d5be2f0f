"""All SQL of the outbox. Each function is one statement in the caller's session or transaction."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from domain.outbox.events import SHARDS
from domain.outbox.rules import Pending
from infra.database import affected, execute, placeholders, rows

_MAX_ERROR = 500

_PENDING = (
    "SELECT id, event_id, aggregatetype, aggregateid, type, CAST(payload AS BINARY), "
    "traceparent, CAST(created_at AS CHAR), attempts FROM outbox_events "
    "FORCE INDEX (outbox_events_pending) WHERE pending_shard IN ({shards}) {but}"
)
_BUT_WAITING = (
    "AND (aggregatetype, aggregateid) NOT IN (SELECT w.aggregatetype, w.aggregateid "
    "FROM outbox_events w WHERE w.next_attempt_at > NOW(3)) "
)


def pending(
    shards: Sequence[int], limit: int, without_types: Collection[str] = ()
) -> list[Pending]:
    """The oldest waiting events of each of ``shards``, together about ``limit``.

    Chosen by status, never by "id after the last one seen": ids are given at insert but seen at
    commit. Aggregates that wait for a retry are left out whole. One branch a shard, so that each
    has its share of a long backlog; the order between shards means nothing. Columns come as bytes
    or text where converting them here would cost more.
    """
    if not shards:
        return []
    branch = f"({_pending_sql(1, without_types)} ORDER BY id LIMIT %s)"
    each = -(-limit // len(shards))
    params: list[object] = []
    for shard in shards:
        params += [shard, *without_types, each]
    return [Pending._make(row) for row in rows(" UNION ALL ".join([branch] * len(shards)), params)]


def all_pending(
    shards: Sequence[int], limit: int, without_types: Collection[str] = ()
) -> list[Pending] | None:
    """The same where there are fewer than ``limit`` in all, at a fraction of the cost; None where
    there are more."""
    if not shards:
        return []
    found = rows(
        f"{_pending_sql(len(shards), without_types)} ORDER BY pending_shard, id LIMIT %s",
        (*shards, *without_types, limit),
    )
    return None if len(found) == limit else [Pending._make(row) for row in found]


def _pending_sql(shards: int, without_types: Collection[str]) -> str:
    """Without those that wait, if any does: to find out costs less than to leave out none."""
    waits = rows("SELECT 1 FROM outbox_events WHERE next_attempt_at > NOW(3) LIMIT 1")
    but = _BUT_WAITING if waits else ""
    if without_types:
        but += f"AND aggregatetype NOT IN ({placeholders(len(without_types))})"
    return _PENDING.format(shards=placeholders(shards), but=but)


def mark_published(ids: Sequence[int]) -> int:
    """Confirmed by Kafka. Returns how many were still pending: another relay may have been first.

    By primary key whatever the optimizer thinks: while its statistics say that the table is small,
    it would walk all of it.
    """
    return affected(
        "UPDATE outbox_events FORCE INDEX (PRIMARY) SET status = 'published', "
        "published_at = NOW(3), pending_shard = NULL, next_attempt_at = NULL "
        f"WHERE status = 'pending' AND id IN ({placeholders(len(ids))})",
        sorted(ids),
    )


def postpone(event: Pending, seconds: float, error: str) -> int:
    """One attempt has failed; the aggregate waits ``seconds``. 0 if the event has moved on."""
    return affected(
        "UPDATE outbox_events SET attempts = attempts + 1, last_error = %s, "
        "next_attempt_at = NOW(3) + INTERVAL %s MICROSECOND "
        "WHERE id = %s AND status = 'pending' AND attempts = %s",
        (error[:_MAX_ERROR], int(seconds * 1_000_000), event.id, event.attempts),
    )


def bury(event: Pending, error: str) -> int:
    """The last attempt has failed: dead, and no longer in its aggregate's way."""
    return affected(
        "UPDATE outbox_events SET status = 'dead', dead_at = NOW(3), pending_shard = NULL, "
        "next_attempt_at = NULL, attempts = attempts + 1, last_error = %s "
        "WHERE id = %s AND status = 'pending' AND attempts = %s",
        (error[:_MAX_ERROR], event.id, event.attempts),
    )


# What events.shard_of computes; a test keeps the two the same.
_REVIVE = (
    "UPDATE outbox_events SET status = 'pending', attempts = 0, dead_at = NULL, pending_shard = "
    f"CRC32(CONCAT(aggregatetype, ':', aggregateid)) %% {SHARDS} WHERE status = 'dead' AND "
)


def revive(event_row_id: int) -> int:
    """Dead → pending, with all attempts before it. 0 if it is not dead."""
    return affected(_REVIVE + "id = %s", (event_row_id,))


def revive_some(limit: int) -> int:
    """The same for the ``limit`` that died first."""
    return affected(_REVIVE + "dead_at IS NOT NULL ORDER BY dead_at, id LIMIT %s", (limit,))


def count_pending(limit: int) -> int:
    """How many wait, counted no further than ``limit``."""
    sql = "SELECT 1 FROM outbox_events WHERE pending_shard >= 0 LIMIT %s"
    return int(rows(f"SELECT COUNT(*) FROM ({sql}) waiting", (limit,))[0][0])


def count_dead(limit: int) -> int:
    """How many are dead, counted no further than ``limit``."""
    sql = "SELECT 1 FROM outbox_events WHERE dead_at IS NOT NULL LIMIT %s"
    return int(rows(f"SELECT COUNT(*) FROM ({sql}) dead", (limit,))[0][0])


def oldest_pending_seconds() -> float:
    """The age of the longest waiting event by the database's clock, 0 if none waits."""
    age = rows(
        "SELECT TIMESTAMPDIFF(MICROSECOND, MIN(e.created_at), NOW(3)) FROM outbox_events e JOIN "
        "(SELECT MIN(id) AS id FROM outbox_events WHERE pending_shard >= 0 GROUP BY pending_shard)"
        " first_of_shard ON first_of_shard.id = e.id"
    )[0][0]
    return max(0, age or 0) / 1e6


_LISTED = (
    "id, event_id, aggregatetype, aggregateid, type, status, attempts, created_at, "
    "next_attempt_at, published_at, dead_at, last_error"
)
_NAMES = re.split(r",\s*", _LISTED)


def _listed(sql: str, params: Sequence[object]) -> list[dict[str, Any]]:
    return [dict(zip(_NAMES, row, strict=True)) for row in rows(sql, params)]


def one(event_row_id: int) -> dict[str, Any] | None:
    """One event without its payload."""
    found = _listed(f"SELECT {_LISTED} FROM outbox_events WHERE id = %s", (event_row_id,))
    return found[0] if found else None


def page(status: str | None, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Events, newest first, with ids below ``before``.

    Each status is found by the index that holds only those, or them in front: waiting ones in one
    range a shard, and published ones behind no backlog.
    """
    older = "id < %s" if before is not None else "%s IS NULL"
    if status == "pending":
        branch = (
            f"(SELECT {_LISTED} FROM outbox_events FORCE INDEX (outbox_events_pending) "
            f"WHERE pending_shard = %s AND {older} ORDER BY id DESC LIMIT %s)"
        )
        params = [value for shard in range(SHARDS) for value in (shard, before, limit)]
        sql = " UNION ALL ".join([branch] * SHARDS)
        return _listed(f"{sql} ORDER BY id DESC LIMIT %s", [*params, limit])
    index, where = {
        None: ("PRIMARY", ""),
        "dead": ("outbox_events_dead", "dead_at IS NOT NULL AND "),
        "published": (
            "outbox_events_pending", "pending_shard IS NULL AND status = 'published' AND "
        ),
    }[status]
    return _listed(
        f"SELECT {_LISTED} FROM outbox_events FORCE INDEX ({index}) "
        f"WHERE {where}{older} ORDER BY id DESC LIMIT %s",
        (before, limit),
    )


def event_ids(after: int, limit: int) -> list[tuple[int, bytes]]:
    """(row id, event id) of the ``limit`` events that follow the row ``after``."""
    return [
        (row_id, event_id)
        for row_id, event_id in rows(
            "SELECT id, event_id FROM outbox_events WHERE id > %s ORDER BY id LIMIT %s",
            (after, limit),
        )
    ]


def add_shards() -> int:
    """A lease row for each shard that has none, free until someone takes it; how many were new."""
    return affected(
        "INSERT IGNORE INTO shard_leases (shard, holder, lease_until) VALUES "
        + placeholders(SHARDS, "(%s, '', NOW(3))"),
        list(range(SHARDS)),
    )


def take_shards(holder: str, seconds: float) -> None:
    """Renew what is ``holder``'s and take what is free or expired, for ``seconds`` from now."""
    execute(
        "UPDATE shard_leases SET holder = %s, lease_until = NOW(3) + INTERVAL %s MICROSECOND "
        "WHERE holder = %s OR lease_until <= NOW(3)",
        (holder, int(seconds * 1_000_000), holder),
    )


def shards_of(holder: str) -> list[int]:
    """The shards whose lease is ``holder``'s."""
    found = rows("SELECT shard FROM shard_leases WHERE holder = %s ORDER BY shard", (holder,))
    return [shard for (shard,) in found]


def free_shards(holder: str) -> None:
    """Give ``holder``'s leases up, so that a standby need not wait for their end."""
    execute(
        "UPDATE shard_leases SET holder = '', lease_until = NOW(3) WHERE holder = %s", (holder,)
    )


def beat(name: str, detail: str) -> None:
    """Say that ``name`` is alive, and how it is; ``detail`` is JSON below 1,000 characters."""
    execute(
        "INSERT INTO heartbeats (name, beat_at, detail) VALUES (%s, NOW(3), %s) "
        "ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at), detail = VALUES(detail)",
        (name, detail),
    )
