"""SQL by which failed jobs are listed, and done again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from domain.jobs.record import COLUMNS, JobRecord, records
from infra.database import placeholders, rows

_BY_SYSTEM = "FROM jobs FORCE INDEX (jobs_failed_by_system) WHERE system_failure = 1"


@dataclass(frozen=True, slots=True)
class Failed:
    """An ended job, as far as it is to be done again."""

    kind: str
    user_id: int
    concurrency_key: str
    status: str
    by_system: bool
    payload: dict[str, Any]


def find(uuid: UUID) -> Failed | None:
    """The job, None if there is none."""
    found = rows(
        "SELECT kind, user_id, concurrency_key, status, system_failure, payload FROM jobs "
        "WHERE uuid = %s",
        (uuid.bytes,),
    )
    if not found:
        return None
    kind, user_id, key, status, by_system, payload = found[0]
    return Failed(kind, user_id, key, status, bool(by_system), orjson.loads(payload))


def retries_of(failed: Sequence[UUID]) -> dict[UUID, UUID]:
    """Which of these jobs have been done again, and by which job."""
    if not failed:
        return {}
    found = rows(
        f"SELECT retry_of, uuid FROM jobs WHERE retry_of IN ({placeholders(len(failed))})",
        [uuid.bytes for uuid in failed],
    )
    return {UUID(bytes=retry_of): UUID(bytes=uuid) for retry_of, uuid in found}


def failed_by_system(
    user_id: int | None, kind: str | None, before: int | None, limit: int
) -> list[JobRecord]:
    """Jobs that failed for a system reason, newest first, older than the row id ``before``."""
    clause = ""
    params: list[Any] = []
    for condition, value in (("user_id = %s", user_id), ("kind = %s", kind), ("id < %s", before)):
        if value is not None:
            clause += f" AND {condition}"
            params.append(value)
    return records(
        rows(f"SELECT {COLUMNS} {_BY_SYSTEM}{clause} ORDER BY id DESC LIMIT %s", (*params, limit))
    )


_UNRETRIED = (
    f"{_BY_SYSTEM} AND NOT EXISTS (SELECT 1 FROM jobs again WHERE again.retry_of = jobs.uuid)"
)


def unretried(limit: int) -> list[JobRecord]:
    """Jobs that failed for a system reason and were not done again, newest first."""
    return records(rows(f"SELECT {COLUMNS} {_UNRETRIED} ORDER BY id DESC LIMIT %s", (limit,)))


def count_unretried(limit: int) -> int:
    """How many these are, counted to ``limit``."""
    sql = f"SELECT 1 {_UNRETRIED} LIMIT %s"
    return int(rows(f"SELECT COUNT(*) FROM ({sql}) unretried", (limit,))[0][0])
