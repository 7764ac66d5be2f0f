"""Which dependencies are there; only the database is needed to accept."""

from dataclasses import dataclass
from typing import Any

import orjson
import peewee

from domain.controls import service as controls
from domain.jobs.kinds import Lane
from infra import redis
from infra.database import rows, session
from web.timely import Timely

STALE_SECONDS = 10
"""A heartbeat older than this says nothing any more."""
DATABASE_SECONDS = 2.0
"""Longer than a busy one takes, shorter than whoever asks about health will wait."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database says of others: those who use them last wrote it there."""

    kafka: str = "unknown"
    mail: str = "unknown"


def check() -> tuple[bool, dict[str, Any]]:
    """Whether work can be accepted, and the state of each dependency. A dependency that hangs is
    down, and keeps nobody waiting."""
    seen = _database()
    database_up, others = seen is not None, seen or _Seen()
    state = controls.known()
    return database_up, {
        "status": "ready" if database_up else "unavailable",
        "dependencies": {
            "database": {"state": "up" if database_up else "down", "neededToAccept": True},
            "redis": {"state": "up" if redis.answers() else "down", "neededToAccept": False},
            "kafka": {"state": others.kafka, "neededToAccept": False},
            "mail": {"state": others.mail, "neededToAccept": False},
        },
        "readOnly": state.read_only,
        "pausedLanes": [str(lane) for lane in Lane if state.lanes[lane].paused],
    }


def _ask() -> _Seen:
    controls.read_only()  # so that they are known as they are now
    with session():
        found = dict(
            rows(
                "SELECT name, detail FROM heartbeats WHERE name IN ('relay', 'mail') "
                "AND beat_at >= NOW(3) - INTERVAL %s SECOND",
                (STALE_SECONDS,),
            )
        )
    return _Seen(_state(found.get("relay"), "kafka"), _state(found.get("mail"), "mail"))


_ASKED = Timely(_ask, DATABASE_SECONDS)


def _database() -> _Seen | None:
    try:
        return _ASKED.answer()
    except (peewee.PeeweeException, TimeoutError):
        return None


def _state(detail: str | None, name: str) -> str:
    return "unknown" if detail is None else str(orjson.loads(detail).get(name, "unknown"))
