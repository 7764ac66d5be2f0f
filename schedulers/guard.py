"""Keeps a job's errors from ending it: said aloud, counted, and tried again after a pause."""

import time
from collections.abc import Callable

import structlog

from domain.kernel.backoff import Backoff
from infra.metrics import ticks_failed

PAUSE = Backoff(base=1.0, cap=5.0)
"""Short: a database that has come back finds its sweeper and relay within seconds."""

log = structlog.get_logger(__name__)


class Guarded:
    """A job's ``tick`` that never raises. After an error its ticks are left out for a while."""

    def __init__(
        self, name: str, tick: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._tick = tick
        self._clock = clock
        self._failures = 0
        self._rest_until = float("-inf")

    def __call__(self) -> None:
        if self._clock() < self._rest_until:
            return
        try:
            self._tick()
        except Exception as error:
            self._failures += 1
            seconds = PAUSE.exact(self._failures)
            self._rest_until = self._clock() + seconds
            ticks_failed.labels(self.name).inc()
            log.error(
                "scheduled job failed", job=self.name, failures=self._failures,
                retry_seconds=seconds, error=repr(error), exc_info=self._failures == 1,
            )
            return
        if self._failures:
            log.info("scheduled job works again", job=self.name, failures=self._failures)
            self._failures = 0
