"""How the whole stands, gathered for operators: each number cheap, bounded, and without a name."""

import time
from typing import Any

import orjson

from domain.controls import service as controls
from domain.exports import service as exports
from domain.jobs import retry
from domain.jobs import service as jobs
from domain.jobs.kinds import Lane
from domain.jobs.status_store import JobRecord
from domain.kernel.clock import rfc3339
from domain.operations import store
from domain.operations.rules import (
    COUNT_LIMIT,
    Control,
    FailedJob,
    Figures,
    Heartbeat,
    LaneFigures,
    Relay,
)
from domain.outbox import service as outbox
from infra.database import now, session

LATEST = 8
"""Failed jobs that are named."""
_RELAY = "relay"


def gather() -> Figures:
    """Look. Raises the database's error when it is away."""
    with session(first=True):
        begun = time.perf_counter()
        now()
        round_trip = time.perf_counter() - begun
        pending = outbox.pending_stats()
        waiting, given_up = exports.unended(COUNT_LIMIT)
        latest, failed = retry.unretried(LATEST, COUNT_LIMIT)
        beats = store.heartbeats()
        return Figures(
            round_trip_seconds=round_trip,
            lanes=[LaneFigures(str(lane), *jobs.in_lane(lane, COUNT_LIMIT)) for lane in Lane],
            outbox_pending=min(pending.count, COUNT_LIMIT),
            outbox_oldest_seconds=pending.oldest_seconds,
            outbox_dead=outbox.dead_count(COUNT_LIMIT),
            exports_waiting=waiting,
            exports_dead=given_up,
            failed=failed,
            latest_failed=[_failed(job) for job in latest],
            relay=next((_relay(age, said) for name, age, said in beats if name == _RELAY), None),
            heartbeats=[Heartbeat(name, age) for name, age, _ in beats],
            controls=[Control(one["name"], one["value"]) for one in controls.listing()],
        )


def _failed(job: JobRecord) -> FailedJob:
    code = str(orjson.loads(job.error or "{}").get("code", ""))
    return FailedJob(
        str(job.uuid), job.kind, code, rfc3339(job.finished_at) if job.finished_at else ""
    )


def _relay(seconds: float, said: str) -> Relay:
    detail: dict[str, Any] = orjson.loads(said or "{}")
    return Relay(
        seconds, str(detail.get("kafka", "unknown")), detail.get("since"),
        detail.get("reason") or None,
    )
