"""The figures of the operators' page, looked up at most once a second in each process."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import peewee
import structlog
from redis.exceptions import RedisError

from domain.jobs.kinds import Lane
from domain.kernel.clock import rfc3339
from domain.kinds import KINDS
from domain.operations.figures import gather
from domain.operations.rules import COUNT_LIMIT, Figures, concerns
from infra.redis import redis
from web.metrics_page import merged

FRESH_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Board:
    """What was last looked up. Whoever asks while somebody looks waits for what they find."""

    def __init__(
        self, look: Callable[[], dict[str, Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, Any] | None = None
        self._seen_at = float("-inf")

    def figures(self) -> dict[str, Any]:
        with self._lock:
            if self._seen is None or self._clock() - self._seen_at >= FRESH_SECONDS:
                self._seen = self._look()
                self._seen_at = self._clock()
            return self._seen


def look() -> dict[str, Any]:
    """Ask all there is to ask; what is away is said to be down."""
    figures = _database()
    begun = time.perf_counter()
    redis_up = _redis()
    redis_seconds = time.perf_counter() - begun
    found = concerns(figures, redis_up)
    return {
        "at": rfc3339(datetime.now(UTC)),
        "status": str(found[0].level) if found else "well",
        "concerns": [{"level": str(one.level), "text": one.text} for one in found],
        "countedTo": COUNT_LIMIT,
        "dependencies": {
            "database": _state(figures.round_trip_seconds if figures else None),
            "redis": _state(redis_seconds if redis_up else None),
            "kafka": _kafka(figures),
        },
        **(_shown(figures) if figures else {}),
    }


def _state(seconds: float | None) -> dict[str, Any]:
    """Up, with the time that the shortest of questions took; down without."""
    if seconds is None:
        return {"state": "down"}
    return {"state": "up", "milliseconds": round(seconds * 1000, 1)}


def _database() -> Figures | None:
    try:
        return gather()
    except peewee.PeeweeException as error:
        log.warning("figures not read", error=repr(error))
        return None


def _redis() -> bool:
    try:
        return bool(redis().ping())
    except RedisError:
        return False


def _kafka(figures: Figures | None) -> dict[str, Any]:
    if figures is None or figures.relay is None:
        return {"state": "unknown"}
    said = {"since": figures.relay.since, "reason": figures.relay.reason}
    return {"state": figures.kafka, **{name: value for name, value in said.items() if value}}


def _shown(figures: Figures) -> dict[str, Any]:
    totals = _totals()
    return {
        "lanes": [
            {
                "lane": one.lane, "queued": one.queued, "running": one.running,
                "oldestSeconds": one.oldest_seconds, **totals[one.lane],
            }
            for one in figures.lanes
        ],
        "outbox": {
            "pending": figures.outbox_pending,
            "oldestSeconds": figures.outbox_oldest_seconds,
            "dead": figures.outbox_dead,
            "relaySeconds": figures.relay.seconds if figures.relay else None,
        },
        "exports": {"waiting": figures.exports_waiting, "dead": figures.exports_dead},
        "failedJobs": {
            "count": figures.failed,
            "latest": [
                {
                    "jobId": one.job_id, "kind": one.kind, "code": one.code,
                    "finishedAt": one.finished_at,
                }
                for one in figures.latest_failed
            ],
        },
        "heartbeats": [{"name": one.name, "seconds": one.seconds} for one in figures.heartbeats],
        "controls": [{"name": name, "value": value} for name, value in figures.controls],
    }


def _totals() -> dict[str, dict[str, int]]:
    """By lane, how many jobs were accepted and have ended since the fleet was started: counters,
    whose differences are rates."""
    totals = {str(lane): {"acceptedTotal": 0, "endedTotal": 0} for lane in Lane}
    members = {"jobs_accepted_total": "acceptedTotal", "jobs_ended_total": "endedTotal"}
    for family in merged().collect():
        for sample in family.samples:
            member, kind = members.get(sample.name), sample.labels.get("kind")
            if member is not None and kind in KINDS:
                totals[str(KINDS[kind].lane)][member] += int(sample.value)
    return totals


BOARD = Board(look)
