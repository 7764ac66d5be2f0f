"""What others may ask of jobs: to see, to list and to cancel them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from domain.jobs import status_store
from domain.jobs.errors import JobNotQueued
from domain.jobs.kinds import ENDED, Lane, Status
from domain.jobs.status_store import JobRecord
from domain.kernel.clock import rfc3339
from domain.kernel.errors import NoSuchThing
from infra.database import run_transaction, session
from infra.metrics import jobs_ended


def find(uuid: UUID) -> JobRecord:
    """The job. Raises NoSuchThing."""
    with session():
        found = status_store.by_uuids([uuid])
    if not found:
        raise NoSuchThing("No such job.")
    return found[0]


LOOKED_AT = 100_000
"""Everybody's jobs that one search looks at: a month's would keep its asker waiting."""


def of_user(
    user_id: int, status: str | None, kind: str | None, before: int | None, limit: int
) -> list[JobRecord]:
    """Up to ``limit`` jobs of a user that are older than the row id ``before``, newest first."""
    with session():
        return status_store.of_user(user_id, status, kind, before, limit)


def of_all(
    status: str | None, kind: str | None, before: int | None, limit: int
) -> tuple[list[JobRecord], int | None]:
    """The same of everybody's jobs, and the row id before which the search goes on: it looks at
    ``LOOKED_AT`` at once, so it may find fewer than ``limit`` though there are more."""
    with session():
        if status == Status.QUEUED:
            found = [
                job for lane in Lane for job in status_store.queued(lane, kind, before, limit)
            ]
            return sorted(found, key=lambda job: -job.id)[:limit], None
        end = before if before is not None else status_store.newest() + 1
        first = max(0, end - LOOKED_AT)
        return status_store.of_all(status, kind, end, first, limit), first or None


def search(
    user_id: int | None, status: str | None, kind: str | None, limit: int
) -> list[JobRecord]:
    """Up to ``limit`` jobs, newest first, however long it takes: for the command line."""
    if user_id is not None:
        return of_user(user_id, status, kind, None, limit)
    found, before = of_all(status, kind, None, limit)
    while len(found) < limit and before is not None:
        more, before = of_all(status, kind, before, limit - len(found))
        found += more
    return found


def in_lane(lane: Lane, limit: int) -> tuple[int, int, float]:
    """How many jobs of a lane are queued and how many run, counted to ``limit`` together; and the
    oldest one's age in seconds."""
    with session():
        return status_store.in_lane(str(lane), limit)


def key_has_work(key: str) -> bool:
    """Whether a job of this concurrency key has not ended, as committed now."""
    with session():
        return status_store.key_has_work(key)


def cancel(uuid: UUID, note: Callable[[], None] = lambda: None) -> JobRecord:
    """Cancel a job that never started, and free its transactionId; ``note`` is called in the
    transaction that does so.

    Raises NoSuchThing, or JobNotQueued when it has started or ended.
    """

    def work() -> bool:
        done = status_store.cancel(uuid)
        if done:
            status_store.free_claim_of(uuid)
            note()
        return done

    done = run_transaction(work, restarts_lock_waits=False)
    job = find(uuid)
    if not done:
        raise JobNotQueued(f"The job is {job.status}.")
    jobs_ended.labels(job.kind, "cancelled", "").inc()
    return job


def represent(job: JobRecord) -> dict[str, Any]:
    """The job as the contract's GET /api/jobs/{jobId} answers it."""
    ended = job.status in ENDED
    body: dict[str, Any] = {
        "jobId": str(job.uuid),
        "kind": job.kind,
        "status": job.status,
        "attempts": job.attempts,
        "acceptedAt": rfc3339(job.accepted_at),
    }
    if job.status == Status.QUEUED:
        with session():
            body["position"] = status_store.position(job)
    for name, moment in (("startedAt", job.started_at), ("finishedAt", job.finished_at)):
        if moment is not None:
            body[name] = rfc3339(moment)
    if job.result is not None:
        body["result"] = orjson.loads(job.result)
    if job.error is not None:
        body["error"] = orjson.loads(job.error)
    if job.retry_of is not None:
        body["retryOf"] = str(job.retry_of)
    body["links"] = links(job.uuid, cancellable=not ended and job.started_at is None)
    return body


def links(uuid: UUID, cancellable: bool) -> dict[str, str]:
    """Where to poll the job, and where to cancel it while that is possible."""
    own = f"/api/jobs/{uuid}"
    return {"self": own, "cancel": f"{own}/cancel"} if cancellable else {"self": own}
