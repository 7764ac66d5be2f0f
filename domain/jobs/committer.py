"""One lane's committer: requests in, committed jobs out.

It takes what arrived while the previous commit was under way and commits it together: a batch of
one when idle, so nothing waits for a timer; a larger one under load, so that a commit's cost is
shared. Nothing here touches Redis.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import peewee
import structlog

from domain.jobs import intake_store
from domain.jobs.admission import Accepted, Batch, Result
from domain.jobs.kinds import Command, Kinds, Lane
from domain.kernel.errors import InternalError, Unavailable
from infra.database import connection_id, kill, run_transaction, session, transaction
from infra.database_errors import error_code, is_connection_lost
from infra.metrics import intake_batch_size, intake_unavailable, jobs_accepted

MAX_BATCH = 256
MAX_WAITING = 2000
"""Requests that may wait for a committer, beyond which it is overloaded and says so."""
ANSWER_SECONDS = 10.0
READ_BACK_SECONDS = 15.0
READ_BACK_PAUSE = 0.2
UNKNOWN = (
    "The database went away while it committed, so whether this was accepted is not known. Repeat "
    "it with the same Idempotency-Key, or look at /api/jobs."
)
ER_LOCK_WAIT_TIMEOUT = 1205

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Pending:
    """One request that waits for its job to be committed."""

    command: Command
    uuid: UUID
    ended: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    taken: bool = False
    """In a batch; until then its request may withdraw it."""

    def end(self, result: Result) -> None:
        self.result = result
        self.ended.set()


class Committer:
    """Its thread begins with the first request, which is after the fork."""

    def __init__(
        self,
        lane: Lane,
        kinds: Kinds,
        wake: Callable[[Lane], None],
        accepted: Callable[[int], None],
    ) -> None:
        self._lane = lane
        self._kinds = kinds
        self._wake = wake
        self._accepted = accepted
        self._queue: queue.Queue[Pending] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._taking = threading.Lock()

    def submit(self, pending: Pending) -> Result:
        """What became of it, once that is known for certain; Unavailable where no job was made."""
        if self._thread is None:
            self._start()
        try:
            self._queue.put_nowait(pending)
        except queue.Full:
            return Unavailable("More requests are waiting than can be accepted now.")
        if not pending.ended.wait(ANSWER_SECONDS) and self._withdraw(pending):
            return Unavailable("The database did not answer in time.", retry_after=2)
        # In a batch by now: its end is near, and nobody may be told "no job" of one that commits.
        pending.ended.wait()
        return pending.result or InternalError()

    def _withdraw(self, pending: Pending) -> bool:
        """Take a request back that no batch has taken yet."""
        with self._taking:
            withdrawn = not pending.taken
            pending.taken = True
            return withdrawn

    def _take(self, pending: Pending) -> bool:
        """Put a request into the batch, unless it was withdrawn."""
        with self._taking:
            free = not pending.taken
            pending.taken = True
            return free

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:  # by the first request, which is after the fork
                self._thread = threading.Thread(
                    target=self._run, name=f"intake-{self._lane}", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if not batch:
                continue
            intake_batch_size.labels(self._lane).observe(len(batch))
            try:
                self._commit(batch)
            except Exception:  # the committer must outlive whatever a batch does to it
                log.exception("intake failed", lane=self._lane)
                self._end(batch, InternalError())

    def _next_batch(self) -> list[Pending]:
        """Whoever waits now; waits for the first."""
        waiting = [self._queue.get()]
        while len(waiting) < MAX_BATCH and not self._queue.empty():
            waiting.append(self._queue.get())
        return [one for one in waiting if self._take(one)]

    def _commit(self, batch: Sequence[Pending]) -> None:
        """Commit ``batch``; a batch with a row that the database refuses is split around it."""
        sent: int | None = None  # the connection by which the COMMIT has gone

        def work() -> dict[UUID, Result]:
            nonlocal sent
            sent = None
            requests = [(one.uuid, one.command) for one in batch]
            return Batch(self._kinds, requests).write(before_commit=send)

        def send() -> None:
            nonlocal sent
            sent = connection_id()

        try:
            with session(first=True):
                results = run_transaction(work, restarts_lock_waits=False, timed=True)
        except (peewee.OperationalError, peewee.InterfaceError) as error:
            if sent is not None and is_connection_lost(error):
                self._end_unknown(batch, error, sent)
            else:
                self._end_unavailable(batch, error)
        except (peewee.IntegrityError, peewee.DataError) as error:
            if len(batch) == 1:
                log.error("job refused by the database", kind=batch[0].command.kind, exc_info=error)
                self._end(batch, InternalError())
                return
            middle = len(batch) // 2
            self._commit(batch[:middle])
            self._commit(batch[middle:])
        else:
            self._end_committed(batch, results)

    def _end_committed(self, batch: Sequence[Pending], results: dict[UUID, Result]) -> None:
        made: Counter[str] = Counter()
        for one in batch:
            result = results[one.uuid]
            if isinstance(result, Accepted) and not result.replayed:
                made[one.command.kind] += 1
            one.end(result)
        for kind, count in made.items():
            jobs_accepted.labels(kind).inc(count)
        self._accepted(made.total())
        if any(isinstance(result, Accepted) for result in results.values()):
            self._wake(self._lane)

    def _end_unavailable(self, batch: Sequence[Pending], error: Exception) -> None:
        """Nothing was committed, and everybody is told so."""
        log.warning("intake transaction failed", lane=self._lane, error=repr(error))
        intake_unavailable.labels(self._lane).inc(len(batch))
        if error_code(error) == ER_LOCK_WAIT_TIMEOUT:
            self._end(batch, Unavailable("Others are in the way in the database."))
        else:
            self._end(batch, Unavailable("The database is away.", retry_after=2))

    def _end_unknown(
        self, batch: Sequence[Pending], error: Exception, connection: int
    ) -> None:
        """The COMMIT was sent and its answer lost: only a read-back may say what became of it.

        Until it succeeds nobody is told "no job"; this committer could do nothing else meanwhile.
        """
        log.warning("commit without an answer", lane=self._lane, error=repr(error))
        deadline = time.monotonic() + READ_BACK_SECONDS
        uuids = [one.uuid for one in batch]
        found = self._read_back(uuids, connection)
        while found is None and time.monotonic() < deadline:
            time.sleep(READ_BACK_PAUSE)
            found = self._read_back(uuids, connection)
        if found is None:
            intake_unavailable.labels(self._lane).inc(len(batch))
            self._end(batch, Unavailable(UNKNOWN, retry_after=5))
            return
        for one in batch:
            if one.uuid in found:
                one.end(Accepted(one.uuid, one.command.kind, found[one.uuid], replayed=False))
        self._end(batch, Unavailable("The database is away.", retry_after=2))
        if found:
            self._wake(self._lane)

    def _read_back(
        self, uuids: Sequence[UUID], connection: int
    ) -> dict[UUID, datetime] | None:
        """The jobs among ``uuids`` that were committed by ``connection``, which from now on commits
        no other; None while the database cannot say.

        Its text may still be on its way, or wait in the server, which then would not show. After a
        restart of the server the number may be another connection's: that one breaks, and is opened
        anew.
        """
        try:
            with session(first=True):
                kill(connection)
            with session(first=True), transaction():
                return intake_store.committed(uuids)
        except peewee.PeeweeException as error:
            log.warning("commit not read back yet", lane=self._lane, error=repr(error))
            return None

    def _end(self, batch: Sequence[Pending], result: Result) -> None:
        for one in batch:
            if not one.ended.is_set():
                one.end(result)
