"""All SQL of the purge. Small statements by primary key, so that nobody waits for it."""

from collections.abc import Sequence

import orjson

from domain.retention.rules import Kept, Row
from infra.database import affected, execute, placeholders, rows

_NAME = "purge"


def window(table: Kept, after: int, days: int, size: int) -> list[Row]:
    """The next ``size`` rows behind key ``after``, judged by the database's clock."""
    cut_off = "NOW(3) - INTERVAL %s DAY"
    found = rows(
        f"SELECT {table.key}, {table.born} < {cut_off}, COALESCE({table.ended} < {cut_off}, 0), "
        f"{table.for_ever} FROM {table.table} WHERE {table.key} > %s "
        f"ORDER BY {table.key} LIMIT %s",
        (days, days, after, size),
    )
    return [Row._make(row) for row in found]


def delete(table: Kept, keys: Sequence[int], days: int) -> int:
    """Remove those of ``keys`` for which it is still true that they may go."""
    return affected(
        f"DELETE FROM {table.table} WHERE {table.key} IN ({placeholders(len(keys))}) "
        f"AND {table.ended} < NOW(3) - INTERVAL %s DAY AND NOT ({table.for_ever})",
        (*keys, days),
    )


def delete_expired_keys(limit: int) -> int:
    """Remove the ``limit`` Idempotency-Keys that expired first. Those without an expiry
    (transactionIds) stay."""
    return affected(
        "DELETE FROM idempotency_keys WHERE expires_at < NOW(3) ORDER BY expires_at LIMIT %s",
        (limit,),
    )


def settled() -> dict[str, int]:
    """Per table, the key behind which the purge begins; empty before the first."""
    found = rows("SELECT detail FROM heartbeats WHERE name = %s", (_NAME,))
    marks: dict[str, int] = orjson.loads(found[0][0]) if found else {}
    return marks


def remember(marks: dict[str, int]) -> None:
    """Keep :func:`settled` for the next purge; it is the purge's sign of life too."""
    execute(
        "INSERT INTO heartbeats (name, beat_at, detail) VALUES (%s, NOW(3), %s) "
        "ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at), detail = VALUES(detail)",
        (_NAME, orjson.dumps(marks).decode()),
    )
