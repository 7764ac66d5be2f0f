"""Which dependencies are there; only the database is needed to accept."""

from typing import Any

import orjson
import peewee

from domain.controls import service as controls
from domain.jobs.kinds import Lane
from infra import redis
from infra.database import rows, session
from infra.settings import settings
from web.timely import Timely

STALE_SECONDS = 10
"""A heartbeat older than this says nothing any more."""
DATABASE_SECONDS = 2.0
"""Longer than a busy one takes, shorter than whoever asks about health will wait."""


_TOLD_BY = {
    "kafka": "relay", "mail": "mail", "dataPlatform": "exports", "payments": "payment-asker",
}
"""Dependencies that others use, with the heartbeat in which those say how it stands."""


def check() -> tuple[bool, dict[str, Any]]:
    """Whether work can be accepted, and the state of each dependency. A dependency that hangs is
    down, and keeps nobody waiting."""
    told = _database()
    database_up = told is not None
    state = controls.known()
    return database_up, {
        "status": "ready" if database_up else "unavailable",
        "dependencies": {
            "database": {"state": "up" if database_up else "down", "neededToAccept": True},
            "redis": {"state": "up" if redis.answers() else "down", "neededToAccept": False},
            **{
                name: {"state": _state(name, told or {}), "neededToAccept": False}
                for name in _TOLD_BY
            },
        },
        "readOnly": state.read_only,
        "pausedLanes": [str(lane) for lane in Lane if state.lanes[lane].paused],
    }


def _ask() -> dict[str, str]:
    """What the heartbeats say that are fresh, by their name."""
    with session(first=True):
        controls.read_only()  # so that they are known as they are now
        return dict(
            rows(
                "SELECT name, detail FROM heartbeats WHERE name IN (%s, %s, %s, %s) "
                "AND beat_at >= NOW(3) - INTERVAL %s SECOND",
                (*_TOLD_BY.values(), STALE_SECONDS),
            )
        )


_ASKED = Timely(_ask, DATABASE_SECONDS)


def _database() -> dict[str, str] | None:
    try:
        return _ASKED.answer()
    except (peewee.PeeweeException, TimeoutError):
        return None


def _state(name: str, told: dict[str, str]) -> str:
    if name == "payments" and not settings().payment_gateway_url:
        return "unset"
    detail = told.get(_TOLD_BY[name])
    return "unknown" if detail is None else str(orjson.loads(detail).get(name, "unknown"))
