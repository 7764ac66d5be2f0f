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
    database_up, kafka = _database()
    redis_up = _redis()
    return database_up, {
        "status": "ready" if database_up else "unavailable",
        "dependencies": {
            "database": {"state": "up" if database_up else "down", "neededToAccept": True},
            "redis": {"state": "up" if redis_up else "down", "neededToAccept": False},
            "kafka": {"state": kafka, "neededToAccept": False},
        },
        "readOnly": read_only(),
        "pausedLanes": [str(lane) for lane in Lane if lane_state(lane).paused],
    }


def _database() -> tuple[bool, str]:
    """Whether the database answers, and Kafka's state as the relay last wrote it there."""
    try:
        with session():
            found = rows(
                "SELECT detail, beat_at >= NOW(3) - INTERVAL %s SECOND FROM heartbeats "
                "WHERE name = 'relay'",
                (STALE_SECONDS,),
            )
    except peewee.PeeweeException:
        return False, "unknown"
    if not found or not found[0][1]:
        return True, "unknown"
    return True, str(orjson.loads(found[0][0]).get("kafka", "unknown"))


def _redis() -> bool:
    try:
        return bool(redis().ping())
    except RedisError:
        return False
