"""A failed job, done again: a new job with the same payload, at the end of its key.

Only what failed for a system reason may succeed by being done again; a refusal would only be
repeated. A failed job has one retry at most. If that fails for a system reason too, it is itself
what is to be retried.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from domain.jobs import retry_store
from domain.jobs.errors import JobNotRetryable
from domain.jobs.keys import retry_claim
from domain.jobs.kinds import Claim, Command, Kinds, Status
from domain.jobs.service import represent
from domain.jobs.status_store import JobRecord
from domain.kernel.errors import NoSuchThing
from infra.database import session


def command(
    kinds: Kinds,
    failed: UUID,
    caller_id: int,
    claims: tuple[Claim, ...] = (),
    traceparent: str | None = None,
    note: Callable[[UUID], None] | None = None,
) -> Command:
    """Ask to do a failed job again.

    Submitted twice, however simultaneously, it makes one job and answers with it. It is refused
    with 409 when another job has claimed the transactionId meanwhile, or when its kind already
    knows what stands against it. ``note`` is called in the transaction that makes the job.

    Raises NoSuchThing, and JobNotRetryable for a job that has not failed for a system reason.
    """
    with session():
        found = retry_store.find(failed)
    if found is None:
        raise NoSuchThing("No such job.")
    if found.status != Status.FAILED or not found.by_system or found.kind not in kinds:
        raise JobNotRetryable(_why_not(found.status))
    again = kinds[found.kind].reclaim(found.user_id, found.payload)
    return Command(
        found.kind, found.user_id, caller_id, found.concurrency_key, found.payload,
        (*claims, retry_claim(failed), *again), traceparent, retry_of=failed, note=note,
    )


def _why_not(status: str) -> str:
    if status == Status.FAILED:
        return "The job was refused by a rule, not failed by the system."
    return f"The job is {status}."


def failed_by_system(
    user_id: int | None, kind: str | None, before: int | None, limit: int
) -> list[JobRecord]:
    """Up to ``limit`` jobs that failed for a system reason, newest first, older than the row id
    ``before``."""
    with session():
        return retry_store.failed_by_system(user_id, kind, before, limit)


def represent_failed(jobs: list[JobRecord]) -> list[dict[str, Any]]:
    """Failed jobs as operators see them: whose they are, and the job that did each again."""
    with session():
        retries = retry_store.retries_of([job.uuid for job in jobs])
    shown = []
    for job in jobs:
        body = {**represent(job), "userId": job.user_id}
        if job.uuid in retries:
            body["retriedBy"] = str(retries[job.uuid])
        shown.append(body)
    return shown


def unretried(limit: int, count_limit: int) -> tuple[list[JobRecord], int]:
    """The latest jobs that failed for a system reason and still wait for somebody, and how many
    there are of them, counted to ``count_limit``."""
    with session():
        return retry_store.unretried(limit), retry_store.count_unretried(count_limit)
