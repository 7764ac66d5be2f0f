"""SQL of ``restock_mails``: one row a mail; all that moves a row on is a compare-and-set.

``status`` goes pending → sending → told, back to pending after a failure, or to dead.
``next_attempt_at`` is the end of the lease while a mail is being sent. A row that has ended holds
no address any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from infra.database import affected, execute, placeholders, rows

HEARTBEAT = "mail"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this sender may send while its lease lasts; ``product`` is the product's name."""

    id: int
    message_uuid: UUID
    email: str
    back_at: datetime
    attempts: int
    faults: int
    product_id: int
    product: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A mail that was not taken. ``delay`` is in seconds; None ends it as dead."""

    id: int
    error: str
    fault: bool
    delay: float | None


def readdress(product_id: int, user_id: int, email: str) -> int:
    """Have mails that wait go to another address. One under way is beyond recall; should it fail,
    its next try goes to the new one. Returns how many."""
    return affected(
        "UPDATE restock_mails SET email = %s "
        "WHERE product_id = %s AND user_id = %s AND email IS NOT NULL",
        (email, product_id, user_id),
    )


def withdraw(product_id: int, user_id: int) -> int:
    """Forget mails that were not taken yet. Returns how many."""
    return affected(
        "DELETE FROM restock_mails "
        "WHERE product_id = %s AND user_id = %s AND email IS NOT NULL",
        (product_id, user_id),
    )


def due(limit: int) -> list[int]:
    """Ids, ascending, of mails whose time has come."""
    found = rows(
        "SELECT id FROM restock_mails WHERE status = 'pending' AND next_attempt_at <= NOW(3) "
        "ORDER BY next_attempt_at LIMIT %s",
        (limit,),
    )
    return sorted(id_ for (id_,) in found)


def claim(token: bytes, ids: Sequence[int], seconds: float) -> list[Claimed]:
    """Take a lease of ``seconds`` on those of ``ids`` that nobody took before us."""
    within = placeholders(len(ids))
    taken = affected(
        "UPDATE restock_mails SET status = 'sending', lease_token = %s, "
        "next_attempt_at = NOW(3) + INTERVAL %s MICROSECOND "
        f"WHERE id IN ({within}) AND status = 'pending' AND next_attempt_at <= NOW(3)",
        (token, int(seconds * 1_000_000), *ids),
    )
    if not taken:
        return []
    found = rows(
        "SELECT m.id, m.message_uuid, m.email, m.back_at, m.attempts, m.faults, m.product_id, "
        "p.name FROM restock_mails m JOIN products p ON p.id = m.product_id "
        f"WHERE m.id IN ({within}) AND m.status = 'sending' AND m.lease_token = %s ORDER BY m.id",
        (*ids, token),
    )
    return [Claimed(id_, UUID(bytes=message_uuid), *rest) for id_, message_uuid, *rest in found]


def told(token: bytes, ids: Sequence[int]) -> int:
    """The mail server took these; forget their addresses. Returns how many were still ours."""
    return affected(
        "UPDATE restock_mails SET status = 'told', ended_at = NOW(3), attempts = attempts + 1, "
        "email = NULL, lease_token = NULL "
        f"WHERE id IN ({placeholders(len(ids))}) AND status = 'sending' AND lease_token = %s",
        (*ids, token),
    )


def failed(token: bytes, failures: Sequence[Failure]) -> int:
    """Put these back for another try, or end them. Returns how many were still ours."""
    news = "SELECT %s AS id, %s AS error, %s AS fault, %s AS dead, %s AS delay"
    params: list[object] = []
    for one in failures:
        delay = int((one.delay or 0.0) * 1_000_000)
        params += [one.id, one.error, one.fault, one.delay is None, delay]
    return affected(
        f"UPDATE restock_mails m JOIN ({' UNION ALL '.join([news] * len(failures))}) f "
        "ON m.id = f.id SET "
        "m.status = IF(f.dead, 'dead', 'pending'), m.email = IF(f.dead, NULL, m.email), "
        "m.ended_at = IF(f.dead, NOW(3), NULL), "
        "m.attempts = m.attempts + 1, m.faults = m.faults + f.fault, m.last_error = f.error, "
        "m.next_attempt_at = NOW(3) + INTERVAL f.delay MICROSECOND, m.lease_token = NULL "
        "WHERE m.status = 'sending' AND m.lease_token = %s",
        (*params, token),
    )


def release(token: bytes, ids: Sequence[int]) -> int:
    """Give leases back unused: another sender may send these now."""
    return affected(
        "UPDATE restock_mails SET status = 'pending', next_attempt_at = NOW(3), "
        f"lease_token = NULL WHERE id IN ({placeholders(len(ids))}) "
        "AND status = 'sending' AND lease_token = %s",
        (*ids, token),
    )


def take_over(limit: int) -> int:
    """Make mails pending again whose sender let its lease run out. Returns how many."""
    return affected(
        "UPDATE restock_mails SET status = 'pending', lease_token = NULL "
        "WHERE status = 'sending' AND next_attempt_at <= NOW(3) "
        "ORDER BY next_attempt_at LIMIT %s",
        (limit,),
    )


def waiting(limit: int) -> int:
    """How many mails have not ended yet, counted to ``limit``."""
    [(count,)] = rows(
        "SELECT COUNT(*) FROM (SELECT 1 FROM restock_mails "
        "WHERE status IN ('pending', 'sending') LIMIT %s) unended",
        (limit,),
    )
    return int(count)


def beat(detail: str) -> None:
    """The sender's sign of life, with what it knows of the mail server, as JSON."""
    execute(
        "INSERT INTO heartbeats (name, beat_at, detail) VALUES (%s, NOW(3), %s) "
        "ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at), detail = VALUES(detail)",
        (HEARTBEAT, detail),
    )
