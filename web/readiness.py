"""Which dependencies are there; only the database is needed to accept."""

from typing import Any

import orjson
import peewee
from redis.exceptions import RedisError

from domain.controls.service import lane_state, read_only
from domain.jobs.kinds import Lane
from infra.database import rows, session
from infra.redis import redis

STALE_SECONDS = 10
"""A heartbeat older than this says nothing any more."""


def check() -> tuple[bool, dict[str, Any]]:
    """Whether work can be accepted, and the state of each dependency."""
    database_up, kafka, mail = _database()
    redis_up = _redis()
    return database_up, {
        "status": "ready" if database_up else "unavailable",
        "dependencies": {
            "database": {"state": "up" if database_up else "down", "neededToAccept": True},
            "redis": {"state": "up" if redis_up else "down", "neededToAccept": False},
            "kafka": {"state": kafka, "neededToAccept": False},
            "mail": {"state": mail, "neededToAccept": False},
        },
        "readOnly": read_only(),
        "pausedLanes": [str(lane) for lane in Lane if lane_state(lane).paused],
    }


def _database() -> tuple[bool, str, str]:
    """Whether the database answers, and the states of Kafka and of the mail server as those who
    use them last wrote them there."""
    try:
        with session():
            found = dict(
                rows(
                    "SELECT name, detail FROM heartbeats WHERE name IN ('relay', 'mail') "
                    "AND beat_at >= NOW(3) - INTERVAL %s SECOND",
                    (STALE_SECONDS,),
                )
            )
    except peewee.PeeweeException:
        return False, "unknown", "unknown"
    return True, _state(found.get("relay"), "kafka"), _state(found.get("mail"), "mail")


def _state(detail: str | None, name: str) -> str:
    return "unknown" if detail is None else str(orjson.loads(detail).get(name, "unknown"))


def _redis() -> bool:
    try:
        return bool(redis().ping())
    except RedisError:
        return False
