"""Ended jobs, announced to whoever waits for them: a hint, the waiter rereads the database."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import RedisError

CHANNEL = "jobs:ended"

log = structlog.get_logger(__name__)


def announce(uuids: Sequence[UUID], client: Redis) -> None:
    """Tell that these jobs have ended. Redis away: waiters reread every second anyway."""
    if not uuids:
        return
    try:
        client.publish(CHANNEL, b"".join(uuid.bytes for uuid in uuids))
    except RedisError as error:
        log.warning("ended jobs not announced", jobs=len(uuids), error=str(error))


def announced(message: bytes) -> list[UUID]:
    """The UUIDs in one message of the channel."""
    return [UUID(bytes=message[at : at + 16]) for at in range(0, len(message) - 15, 16)]
