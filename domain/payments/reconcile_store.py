"""SQL by which the provider's list is compared with the ledger, a bounded piece at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from domain.payments.comparison import Difference, Held
from domain.payments.rules import Status
from infra.database import affected, execute, placeholders, rows

_NAME = "payments"


def held(keys: Sequence[UUID], grace_seconds: int) -> dict[UUID, Held]:
    """The requests of these keys that there are."""
    found = rows(
        "SELECT job_uuid, amount, status, created_at <= NOW(3) - INTERVAL %s SECOND "
        f"FROM payment_requests WHERE job_uuid IN ({placeholders(len(keys))})",
        (grace_seconds, *[key.bytes for key in keys]),
    )
    return {
        UUID(bytes=uuid): Held(UUID(bytes=uuid), amount, Status(status), bool(old))
        for uuid, amount, status, old in found
    }


def reconciled(keys: Sequence[UUID]) -> None:
    """The provider has been compared with these booked payments."""
    execute(
        "UPDATE payment_requests SET reconciled_at = NOW(3) WHERE status = 'booked' "
        f"AND reconciled_at IS NULL AND job_uuid IN ({placeholders(len(keys))})",
        [key.bytes for key in keys],
    )


def unreconciled(grace_seconds: int, limit: int) -> list[UUID]:
    """Payments booked for longer than the grace that no list has shown."""
    found = rows(
        "SELECT job_uuid FROM payment_requests WHERE status = 'booked' AND reconciled_at IS NULL "
        "AND decided_at <= NOW(3) - INTERVAL %s SECOND ORDER BY decided_at LIMIT %s",
        (grace_seconds, limit),
    )
    return [UUID(bytes=uuid) for (uuid,) in found]


def lingering(grace_seconds: int, limit: int) -> list[UUID]:
    """Requests that have been under way for longer than the grace."""
    found = rows(
        "SELECT job_uuid FROM payment_requests WHERE status IN ('asking', 'approved', 'voiding') "
        "AND created_at <= NOW(3) - INTERVAL %s SECOND LIMIT %s",
        (grace_seconds, limit),
    )
    return [UUID(bytes=uuid) for (uuid,) in found]


def last_movement() -> int:
    """The newest row of the balance history, 0 if there is none."""
    [(last,)] = rows("SELECT COALESCE(MAX(id), 0) FROM balance_history")
    return int(last)


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the balance history; ``old``: its id, and those of all before it, are committed.

    ``unasked`` names the job of a charge that nobody asked the provider for; else it is None.
    """

    id: int
    user_id: int
    amount: int
    old: bool
    unasked: UUID | None


def movements(after: int, limit: int, grace_seconds: int) -> list[Movement]:
    """The rows of the history behind ``after``, oldest first."""
    found = rows(
        "SELECT h.id, h.user_id, h.amount, h.created_at <= NOW(3) - INTERVAL %s SECOND, "
        "IF(r.job_id IS NULL, j.uuid, NULL) FROM balance_history h "
        "LEFT JOIN jobs j ON j.id = h.job_id AND h.kind = 'charge' "
        "LEFT JOIN payment_requests r ON r.job_id = j.id "
        "WHERE h.id > %s ORDER BY h.id LIMIT %s",
        (grace_seconds, after, limit),
    )
    return [
        Movement(id_, user_id, amount, bool(old), UUID(bytes=uuid) if uuid else None)
        for id_, user_id, amount, old, uuid in found
    ]


def first_asked() -> datetime | None:
    """When a charge was asked for for the first time (UTC), None before that."""
    found = rows("SELECT created_at FROM payment_requests ORDER BY job_id LIMIT 1")
    return found[0][0] if found else None


def keep(differences: Sequence[Difference]) -> None:
    """Note differences; one that is known says what is found now."""
    params: list[object] = []
    for one in differences:
        params += [one.key, str(one.kind), one.detail]
    execute(
        "INSERT INTO payment_differences (payment_key, kind, detail, found_at, looked_at, open) "
        "VALUES " + placeholders(len(differences), "(%s,%s,%s, NOW(3), NOW(3), 1)")
        + " ON DUPLICATE KEY UPDATE kind = VALUES(kind), detail = VALUES(detail), "
        "looked_at = VALUES(looked_at), open = IF(accepted_at IS NULL, 1, NULL)",
        params,
    )


def known(keys: Sequence[str]) -> set[str]:
    """Those of the differences that are open or were accepted."""
    found = rows(
        "SELECT payment_key FROM payment_differences "
        f"WHERE payment_key IN ({placeholders(len(keys))}) "
        "AND (open = 1 OR accepted_at IS NOT NULL)",
        keys,
    )
    return {key for (key,) in found}


def touch(keys: Sequence[str]) -> None:
    """These were looked at, and differ as before."""
    execute(
        "UPDATE payment_differences SET looked_at = NOW(3) "
        f"WHERE open = 1 AND payment_key IN ({placeholders(len(keys))})",
        keys,
    )


def close(keys: Sequence[str]) -> None:
    """These differ no longer."""
    execute(
        "UPDATE payment_differences SET open = NULL, looked_at = NOW(3) "
        f"WHERE open = 1 AND payment_key IN ({placeholders(len(keys))})",
        keys,
    )


def accept(key: str, note: str) -> int:
    """An operator has dealt with a difference: it is reported no more. Returns 1 if it was open."""
    return affected(
        "UPDATE payment_differences SET open = NULL, accepted_at = NOW(3), note = %s "
        "WHERE payment_key = %s AND open = 1",
        (note, key),
    )


def open_differences(limit: int) -> list[tuple[str, str, str, str]]:
    """Open differences, those first that were not looked at for longest: key, kind, detail and
    when it was found (UTC)."""
    found = rows(
        "SELECT payment_key, kind, detail, CAST(found_at AS CHAR) FROM payment_differences "
        "WHERE open = 1 ORDER BY looked_at LIMIT %s",
        (limit,),
    )
    return [(key, kind, detail, found_at) for key, kind, detail, found_at in found]


def count_open() -> dict[str, int]:
    """How many differences of each kind are open."""
    found = rows("SELECT kind, COUNT(*) FROM payment_differences WHERE open = 1 GROUP BY kind")
    return {kind: int(count) for kind, count in found}


def marks() -> dict[str, object]:
    """How far the comparison has come; empty before the first."""
    found = rows("SELECT detail FROM heartbeats WHERE name = %s", (_NAME,))
    kept: dict[str, object] = orjson.loads(found[0][0]) if found else {}
    return kept


def remember(marks: dict[str, object]) -> None:
    """Keep :func:`marks` for the next comparison; it is its sign of life too."""
    execute(
        "INSERT INTO heartbeats (name, beat_at, detail) VALUES (%s, NOW(3), %s) "
        "ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at), detail = VALUES(detail)",
        (_NAME, orjson.dumps(marks).decode()),
    )
