"""The actors. They only receive a wake; the work is the drain's."""

import peewee
import structlog
from dramatiq import actor
from dramatiq.broker import Broker
from redis import Redis
from redis.exceptions import RedisError

from domain.jobs.drain import Drain
from domain.jobs.kinds import Lane
from domain.jobs.wake import ACTOR, send_wake, wake_received

log = structlog.get_logger(__name__)


def declare_drain(broker: Broker, client: Redis, drain: Drain) -> None:
    """Declare one drain actor a lane on ``broker``: the lane is the queue."""
    for lane in Lane:

        def receive(lane_name: str) -> None:
            _receive(Lane(lane_name), client, broker, drain)

        actor(receive, actor_name=f"{ACTOR}.{lane}", queue_name=str(lane), broker=broker)


def _receive(lane: Lane, client: Redis, broker: Broker, drain: Drain) -> None:
    """Clear the wake, then look: what is committed after the look wakes anew.

    A dependency that is away ends the turn; the sweeper wakes the lane again.
    """
    wake_received(lane, client)
    try:
        if drain.run(lane):
            send_wake(lane, client, broker)
    except (RedisError, peewee.PeeweeException) as error:
        log.error("drain interrupted, the sweeper will wake it", lane=lane, error=repr(error))
