"""The relay's sign of life: leases kept, a heartbeat row for /readyz, gauges for /metrics."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from domain.kernel.clock import rfc3339
from domain.outbox import service, store
from domain.outbox.leadership import Leadership
from domain.outbox.pauses import WHOLE, Pauses
from infra.database import run_transaction

EVERY_SECONDS = 1.0
NAME = "relay"
_MAX_REASON = 200


class Pulse:
    """At most once a second, however often it is asked."""

    def __init__(
        self,
        leadership: Leadership,
        pauses: Pauses,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._leadership = leadership
        self._pauses = pauses
        self._clock = clock
        self._now = now
        self._beaten_at = float("-inf")
        self._kafka = "unknown"
        self._since = now()

    def beat(self) -> None:
        """Renew the leases, and if we lead, say how we are. Raises what the database raises."""
        if self._clock() - self._beaten_at < EVERY_SECONDS:
            return
        self._leadership.renew()
        if self._leadership.shards:
            run_transaction(self._write)
        self._beaten_at = self._clock()

    def _write(self) -> None:
        store.beat(NAME, self._detail(service.pending_stats()))

    def _detail(self, waiting: service.PendingStats) -> str:
        """``kafka`` is up, away, or unknown before the first contact; ``topics`` names those
        that fail alone."""
        kafka = self._pauses.kafka
        if kafka != self._kafka:
            self._kafka, self._since = kafka, self._now()
        failing = self._pauses.reasons()
        detail = {
            "kafka": kafka,
            "since": rfc3339(self._since),
            "reason": failing.pop(WHOLE, "")[:_MAX_REASON],
            "topics": sorted(failing),
            "pending": waiting.count,
            "oldestSeconds": round(waiting.oldest_seconds, 3),
            "shards": len(self._leadership.shards),
            "holder": self._leadership.holder,
        }
        return orjson.dumps(detail).decode()
