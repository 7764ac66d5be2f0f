"""SQL by which jobs are read, listed and cancelled."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.jobs.record import COLUMNS, JobRecord, records
from infra.database import affected, placeholders, rows

POSITION_LIMIT = 100


def by_uuids(uuids: Sequence[UUID]) -> list[JobRecord]:
    """The jobs among ``uuids`` that exist, in one query."""
    if not uuids:
        return []
    return records(
        rows(
            f"SELECT {COLUMNS} FROM jobs WHERE uuid IN ({placeholders(len(uuids))})",
            [uuid.bytes for uuid in uuids],
        )
    )


def ended_among(uuids: Sequence[UUID]) -> list[JobRecord]:
    """The jobs among ``uuids`` that have ended."""
    return [job for job in by_uuids(uuids) if job.finished_at is not None]


def of_user(
    user_id: int | None, status: str | None, kind: str | None, before: int | None, limit: int
) -> list[JobRecord]:
    """Jobs, newest first: of one user, or of all for an admin."""
    conditions: list[str] = ["1 = 1"]
    params: list[Any] = []
    for condition, value in (
        ("user_id = %s", user_id), ("status = %s", status), ("kind = %s", kind), ("id < %s", before)
    ):
        if value is not None:
            conditions.append(condition)
            params.append(value)
    return records(
        rows(
            f"SELECT {COLUMNS} FROM jobs WHERE {' AND '.join(conditions)} "
            "ORDER BY id DESC LIMIT %s",
            (*params, limit),
        )
    )


def in_lane(lane: str, limit: int) -> tuple[int, int, float]:
    """How many jobs of a lane are queued and how many run, of the ``limit`` oldest; and the oldest
    one's age in seconds."""
    queued, running, age = rows(
        "SELECT COALESCE(SUM(status = 'queued'), 0), COALESCE(SUM(status = 'running'), 0), "
        "COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(accepted_at), NOW(3)), 0) / 1000000 FROM ("
        "SELECT status, accepted_at FROM jobs FORCE INDEX (jobs_waiting_in_lane) "
        "WHERE queue_lane = %s ORDER BY id LIMIT %s) oldest",
        (lane, limit),
    )[0]
    return int(queued), int(running), float(age)


def key_has_work(key: str) -> bool:
    """Whether a job of this concurrency key has not ended."""
    return bool(rows("SELECT 1 FROM jobs WHERE queue_key = %s LIMIT 1", (key,)))


def position(job: JobRecord) -> int:
    """How many jobs of its key stand before a waiting job.

    By the gate's sequence an upper bound (cancelled ones count); else exact to 100.
    """
    if job.seq:
        first = rows(
            "SELECT seq FROM jobs WHERE queue_key = %s ORDER BY seq, id LIMIT 1",
            (job.concurrency_key,),
        )
        # Its turn may have come since it was read.
        return max(0, job.seq - int(first[0][0])) if first else 0
    counted = rows(
        "SELECT COUNT(*) FROM (SELECT id FROM jobs WHERE queue_key = %s AND seq = 0 AND id < %s "
        "LIMIT %s) ahead",
        (job.concurrency_key, job.id, POSITION_LIMIT),
    )
    return int(counted[0][0])


def cancel(uuid: UUID) -> bool:
    """End a job that has never started; False when it has, or has ended."""
    return affected(
        "UPDATE jobs SET status = 'cancelled', finished_at = NOW(3), queue_lane = NULL, "
        "queue_key = NULL WHERE uuid = %s AND status = 'queued' AND started_at IS NULL",
        (uuid.bytes,),
    ) == 1


def free_claim_of(uuid: UUID) -> None:
    """Free the transactionId that a cancelled job held."""
    affected(
        "DELETE k FROM idempotency_keys k JOIN jobs j ON k.hash = j.claim_hash "
        "AND k.job_uuid = j.uuid WHERE j.uuid = %s",
        (uuid.bytes,),
    )


__all__ = [
    "JobRecord", "by_uuids", "cancel", "ended_among", "free_claim_of", "in_lane", "key_has_work",
    "of_user", "position",
]
