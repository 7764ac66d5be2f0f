"""A lane's backlog, and whether more may be let in.

Each web process looks at a lane once a second at most, in a thread of its own and only while
somebody asks, and adds what it has let in itself since. So a request pays nothing, and all
processes together pass a limit by what the others let in within a second.
"""

import random
import threading
import time
from collections.abc import Callable

import peewee
import structlog

from domain.jobs import backlog_store
from domain.jobs.kinds import Lane
from domain.jobs.lanes import LaneStates, always_running
from domain.jobs.shedding import Limits, Sample, drain_rate, retry_after, waited
from domain.kernel.errors import Unavailable
from infra.database import session
from infra.metrics import lane_oldest_seconds, lane_queued

SAMPLE_SECONDS = 1.0
TRUST_SECONDS = 5.0
"""A sample older than this says nothing any more: better let one in than turn one away."""
OVERLOADED = "More work is waiting than can be done soon."

log = structlog.get_logger(__name__)


def measure(lane: Lane, bound: int) -> Sample:
    """Look at the lane, and show what was seen in the metrics."""
    with session(first=True):
        sample = Sample(
            backlog_store.count_unended(lane, bound), backlog_store.oldest_seconds(lane)
        )
    lane_queued.labels(lane).set(sample.queued)
    lane_oldest_seconds.labels(lane).set(sample.oldest)
    return sample


class Backlog:
    """One lane as one process knows it. Safe to call from any thread."""

    def __init__(
        self,
        lane: Lane,
        limits: Limits,
        lane_state: LaneStates = always_running,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._lane = lane
        self._limits = limits
        self._lane_state = lane_state
        self._clock = clock
        self._jitter = jitter
        self._sample: Sample | None = None
        self._sampled_at = float("-inf")
        self._accepted = 0
        self._counting = threading.Lock()
        self._rate = 0.0
        self._asked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def refusal(self) -> Unavailable | None:
        """Why the lane takes nothing more now, with the time to come again; None if it does."""
        if not (self._limits.queued or self._limits.age):
            return None
        age = self._clock() - self._sampled_at
        if age >= SAMPLE_SECONDS:
            self._ask()
        sample = self._sample
        if sample is None or age > TRUST_SECONDS:
            return None
        queued = sample.queued + self._accepted
        oldest = waited(sample, self._lane_state(self._lane))
        seconds = retry_after(queued, oldest, self._limits, self._rate, self._jitter())
        if seconds is None:
            return None
        return Unavailable(OVERLOADED, retry_after=round(seconds))

    def accepted(self, jobs: int) -> None:
        """So many were let in by this process just now."""
        with self._counting:
            self._accepted += jobs

    def look(self) -> None:
        """Take a sample now; the database's errors are only logged."""
        before, then, counted = self._sample, self._sampled_at, self._accepted
        try:
            sample = measure(self._lane, self._limits.counted)
        except peewee.PeeweeException as error:
            log.warning("backlog not measured", lane=self._lane, error=repr(error))
            return
        now = self._clock()
        if before is not None and 0 < now - then <= TRUST_SECONDS:
            self._rate = drain_rate(self._rate, before, sample, counted, now - then)
        # What was let in while the query ran may be counted twice until the next look.
        with self._counting:
            self._accepted -= counted
        self._sample, self._sampled_at = sample, now

    def _ask(self) -> None:
        self._asked.set()
        if self._thread is None:
            with self._starting:
                if self._thread is None:  # by the first request, which is after the fork
                    self._thread = threading.Thread(
                        target=self._run, name=f"backlog-{self._lane}", daemon=True
                    )
                    self._thread.start()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            try:
                self.look()
            except Exception:  # the thread must outlive whatever one look does to it
                log.exception("backlog not measured", lane=self._lane)
            time.sleep(SAMPLE_SECONDS)
            self._asked.clear()
