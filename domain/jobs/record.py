"""A job as its row tells it, from its 202 to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

COLUMNS = (
    "id, uuid, kind, user_id, caller_id, concurrency_key, seq, status, result, error, attempts, "
    "accepted_at, started_at, finished_at, retry_of"
)
"""What of the row is told; :func:`records` reads rows of these."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as its row says, from its 202 to its end."""

    id: int
    uuid: UUID
    kind: str
    user_id: int
    caller_id: int
    concurrency_key: str
    seq: int
    status: str
    result: str | None
    error: str | None
    attempts: int
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    retry_of: UUID | None


def records(found: Sequence[tuple[Any, ...]]) -> list[JobRecord]:
    """The jobs in rows of ``COLUMNS``."""
    return [
        JobRecord(
            row[0], UUID(bytes=row[1]), *row[2:14], UUID(bytes=row[14]) if row[14] else None
        )  # type: ignore[call-arg]  # mypy cannot count a slice
        for row in found
    ]
