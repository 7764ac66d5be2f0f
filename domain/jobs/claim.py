"""The claim: which jobs become this worker's, in a short transaction of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog

from domain.jobs import claim_store
from domain.jobs.claim_store import Claimable
from domain.jobs.errors import LeaseLost
from domain.jobs.kinds import Job, Lane
from domain.jobs.problems import error_body
from domain.jobs.rules import MAX_LOST_ALONE
from domain.kernel.errors import InternalError
from infra.database import run_transaction
from infra.metrics import jobs_ended, leases_taken_over

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim got: jobs of one kind under one lease token, and poison that it ended."""

    token: bytes
    jobs: Sequence[Job]
    ended: Sequence[UUID] = ()
    requeued: int = 0
    another: bool = False
    """A job of another kind has come to the front of its key since the drain looked."""

    @property
    def moved(self) -> bool:
        """Whether anything changed, so that looking again is worth while."""
        return bool(self.jobs or self.ended or self.requeued or self.another)


def claim(
    lane: Lane, kind: str, wanted: dict[str, int], token: bytes, seconds: float,
    running_for: float = math.inf,
) -> Claimed:
    """Lease the earliest unended jobs of the ``wanted`` keys, without gaps, as far as they go.

    A key whose earliest job another worker still holds, or that waits for a retry, is left. Jobs
    under an expired lease are taken from their worker: back to the queue as suspects, which from
    then on run alone; one that was lost alone three times is at fault and ends as COMMON004.
    ``running_for``: seconds that the lane has been worked again; a job has failed no longer.
    """

    def work() -> Claimed:
        locked = claim_store.lock_earliest(wanted)
        expired = [job for job in locked if job.expired]
        if expired:
            return _take_over(lane, expired, token)
        mine = _runnable(locked, kind)
        if mine and claim_store.lease([job.id for job in mine], token, seconds) != len(mine):
            raise LeaseLost("a claimed job moved under its row lock")
        jobs = [_job(job, running_for) for job in mine]
        return Claimed(token, jobs, another=_another_leads(locked, kind))

    return run_transaction(work)


def _runnable(locked: Sequence[Claimable], kind: str) -> list[Claimable]:
    """The jobs that may run now: of each key, those before the first that may not."""
    mine: list[Claimable] = []
    stopped: set[str] = set()
    for job in locked:
        if job.key in stopped:
            continue
        if not job.due or job.kind != kind or (job.suspect and mine):
            stopped.add(job.key)
        elif job.suspect:
            return [job]
        else:
            mine.append(job)
    return mine


def _another_leads(locked: Sequence[Claimable], kind: str) -> bool:
    """Whether the earliest job of a key may run, but is of another kind: those before it were
    cancelled, or done by another worker, since the window showed them."""
    leading: dict[str, Claimable] = {}
    for job in locked:
        leading.setdefault(job.key, job)
    return any(job.due and job.kind != kind for job in leading.values())


def _take_over(lane: Lane, expired: Sequence[Claimable], token: bytes) -> Claimed:
    leases_taken_over.labels(lane).inc(len(expired))
    poison = [job for job in expired if job.suspect and job.lost_alone + 1 >= MAX_LOST_ALONE]
    rest = [job.id for job in expired if job not in poison]
    log.warning("leases expired, their worker is gone", lane=lane, jobs=len(expired))
    requeued = claim_store.requeue_expired(rest) if rest else 0
    for job in poison:
        _end_poison(job, token)
    return Claimed(token, [], [UUID(bytes=job.uuid) for job in poison], requeued)


def _end_poison(job: Claimable, token: bytes) -> None:
    problem = InternalError("The job took its worker down three times and was given up.")
    claim_store.seize(job.id, token)
    claim_store.end_failed([(job.id, error_body(problem, job.traceparent))], token, by_system=True)
    if job.claim_hash:
        claim_store.free_claims([(job.claim_hash, job.uuid)])
    jobs_ended.labels(job.kind, "failed", problem.code).inc()
    log.error("poison job given up", job=str(UUID(bytes=job.uuid)), kind=job.kind)


def _job(row: Claimable, running_for: float) -> Job:
    return Job(
        id=row.id,
        uuid=UUID(bytes=row.uuid),
        kind=row.kind,
        user_id=row.user_id,
        concurrency_key=row.key,
        seq=row.seq,
        payload=orjson.loads(row.payload),
        accepted_at=row.accepted_at,
        attempts=row.attempts + 1,
        traceparent=row.traceparent,
        claim_hash=row.claim_hash,
        failing_for=min(row.failing_for, running_for),
    )
