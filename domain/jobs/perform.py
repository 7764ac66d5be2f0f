"""The effects of claimed jobs, their results and their events: one transaction."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import orjson
import peewee
import structlog

from domain.jobs import claim_store, parking_store
from domain.jobs.errors import LeaseLost, OutOfTime
from domain.jobs.kinds import Job, JobKind, Outcome, Parked, PutBack, Refused, Succeeded
from domain.jobs.problems import error_body
from domain.jobs.rules import ABORT_SHARE, HOLD_SECONDS, halves, retry_seconds
from domain.kernel.errors import InternalError
from infra.database import run_transaction
from infra.database_errors import is_connection_lost, is_restartable
from infra.metrics import drain_retries, job_seconds, jobs_ended

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Performed:
    """What became of a claim: jobs that ended, keys that wait, and whether jobs were parked."""

    ended: list[UUID] = field(default_factory=list)
    waiting_keys: set[str] = field(default_factory=set)
    parked: bool = False


class Performer:
    """Does the claimed jobs of one kind, under one lease token.

    Made just after the claim: well before ``lease_seconds`` have passed by ``clock``, the performer
    gives up by itself.
    """

    def __init__(
        self,
        kind: JobKind,
        token: bytes,
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kind = kind
        self._token = token
        self._clock = clock
        self._deadline = clock() + ABORT_SHARE * lease_seconds

    def perform(self, jobs: Sequence[Job]) -> Performed:
        """Do ``jobs`` in one transaction; a batch that fails as a whole is split until the guilty
        job stands alone, so that one bad job never spoils the others.

        Raises LeaseLost when another worker has taken the jobs over, and the database's error
        when its connection broke; nothing of the transaction under way then counts.
        """
        try:
            return self._attempt(jobs)
        except LeaseLost:
            raise
        except OutOfTime:
            return self._out_of_time(jobs)
        except peewee.PeeweeException as error:
            if is_connection_lost(error):
                raise
            contention = is_restartable(error)
            return self._divide(jobs, error, contention)
        except Exception as error:  # a handler's own failure: it must not stop the lane
            return self._divide(jobs, error, contention=False)

    def _divide(self, jobs: Sequence[Job], error: Exception, contention: bool) -> Performed:
        if len(jobs) == 1:
            return self._failed_alone(jobs[0], error, contention)
        log.warning("batch failed, split", kind=self._kind.name, jobs=len(jobs), error=repr(error))
        first, second = halves(jobs)
        done = self.perform(first)
        held_back = [job for job in second if job.concurrency_key in done.waiting_keys]
        if held_back:
            run_transaction(lambda: self._give_back(held_back))
        rest = [job for job in second if job.concurrency_key not in done.waiting_keys]
        if rest:
            after = self.perform(rest)
            done.ended += after.ended
            done.waiting_keys |= after.waiting_keys
            done.parked |= after.parked
        return done

    def _give_back(self, jobs: Sequence[Job]) -> None:
        ids = [job.id for job in jobs]
        if claim_store.give_back(ids, self._token) != len(ids):
            raise LeaseLost("jobs to give back were taken over")

    def _out_of_time(self, jobs: Sequence[Job]) -> Performed:
        """Nothing is wrong with these jobs; they wait a moment, and no attempt is counted."""
        log.warning("given up before the lease ends", kind=self._kind.name, jobs=len(jobs))
        outcomes = [PutBack("out of time", dependency_away=True)] * len(jobs)
        return self._commit(lambda: self._record(jobs, outcomes))

    def _failed_alone(self, job: Job, error: Exception, contention: bool) -> Performed:
        log.error(
            "job failed", kind=job.kind, job=str(job.uuid), attempts=job.attempts, exc_info=error
        )
        outcome = PutBack(repr(error), dependency_away=contention)
        return self._commit(lambda: self._record([job], [outcome]))

    def _attempt(self, jobs: Sequence[Job]) -> Performed:
        def work() -> _Ledger:
            self._check_time()
            ids = [job.id for job in jobs]
            if claim_store.count_held(ids, self._token) != len(ids):
                raise LeaseLost("jobs were taken over before their effects")
            ledger = self._record(jobs, self._kind.handler(jobs))
            self._check_time()
            return ledger

        return self._commit(work)

    def _commit(self, work: Callable[[], "_Ledger"]) -> Performed:
        # A lock wait is not tried again with the whole batch: dividing finds who is in the way.
        ledger = run_transaction(work, restarts_lock_waits=False, timed=True)
        ledger.count()
        ended = [job.uuid for job in ledger.ended]
        return Performed(ended, ledger.waiting_keys, bool(ledger.parked))

    def _check_time(self) -> None:
        if self._clock() > self._deadline:
            raise OutOfTime

    def _record(self, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> "_Ledger":
        """Write every outcome under the lease token, or nothing at all."""
        ledger = _Ledger()
        for job, outcome in zip(jobs, outcomes, strict=True):
            ledger.add(job, outcome)
        moved = ledger.write(self._token)
        if moved != len(jobs):
            raise LeaseLost(f"{len(jobs) - moved} of {len(jobs)} jobs were taken over")
        return ledger


class _Ledger:
    """Outcomes sorted by the statement that records them."""

    def __init__(self) -> None:
        self.ended: list[Job] = []
        self.waiting_keys: set[str] = set()
        self.parked: list[int] = []
        self._results: list[tuple[int, str]] = []
        self._errors: list[tuple[int, str]] = []
        self._system_errors: list[tuple[int, str]] = []
        self._put_back: list[tuple[int, float, bool]] = []
        self._give_back: list[int] = []
        self._freed: list[tuple[bytes, bytes]] = []

    def add(self, job: Job, outcome: Outcome) -> None:
        waits = isinstance(outcome, PutBack)
        if isinstance(outcome, Parked):
            self.parked.append(job.id)
            self.waiting_keys.add(job.concurrency_key)
        elif job.concurrency_key in self.waiting_keys:
            if not waits:
                raise RuntimeError("a handler let a job overtake one of its key that waits")
            self._give_back.append(job.id)
        elif isinstance(outcome, Succeeded):
            self._results.append((job.id, orjson.dumps(outcome.result).decode()))
            self.ended.append(job)
        elif isinstance(outcome, Refused):
            self._fail(job, self._errors, error_body(outcome.problem, job.traceparent))
        elif job.failing_for >= HOLD_SECONDS and not outcome.dependency_away:
            problem = InternalError("The job kept failing and was given up; see the logs.")
            self._fail(job, self._system_errors, error_body(problem, job.traceparent))
        else:
            self._wait(job, outcome)

    def _fail(self, job: Job, errors: list[tuple[int, str]], body: str) -> None:
        errors.append((job.id, body))
        self.ended.append(job)
        if job.claim_hash is not None:
            self._freed.append((job.claim_hash, job.uuid.bytes))

    def _wait(self, job: Job, outcome: PutBack) -> None:
        seconds = retry_seconds(job.attempts, job.failing_for, outcome.dependency_away)
        self._put_back.append((job.id, seconds, not outcome.dependency_away))
        self.waiting_keys.add(job.concurrency_key)
        drain_retries.labels(job.kind).inc()

    def write(self, token: bytes) -> int:
        """Run the statements and return how many jobs they moved."""
        moved = 0
        if self._results:
            moved += claim_store.end_succeeded(self._results, token)
        if self._errors:
            moved += claim_store.end_failed(self._errors, token)
        if self._system_errors:
            moved += claim_store.end_failed(self._system_errors, token, by_system=True)
        for id_, seconds, counted in self._put_back:
            moved += claim_store.put_back(id_, token, seconds, counted)
        moved += claim_store.give_back(self._give_back, token)
        if self.parked:
            moved += parking_store.park(self.parked, token)
        claim_store.free_claims(self._freed)
        return moved

    def count(self) -> None:
        """Count what ended; only after the commit."""
        failed = dict(self._errors + self._system_errors)
        for job in self.ended:
            error = failed.get(job.id)
            status = "failed" if error else "succeeded"
            code = orjson.loads(error)["code"] if error else ""
            jobs_ended.labels(job.kind, status, code).inc()
            seconds = (datetime.now(UTC).replace(tzinfo=None) - job.accepted_at).total_seconds()
            job_seconds.labels(job.kind).observe(max(0.0, seconds))
