"""Wakes lanes whose work nobody was told about, or whose worker is gone."""

from functools import lru_cache

from dramatiq.broker import Broker
from redis import Redis

from domain.controls.service import lane_state
from domain.jobs.backlog import measure
from domain.jobs.kinds import Lane
from domain.jobs.shedding import Limits
from domain.jobs.sweeper import lanes_to_wake
from domain.jobs.wake import send_wake
from infra.broker import sending_broker
from infra.redis import redis
from infra.settings import settings

COUNTED = 10_000
"""Jobs of a lane are counted so far at least, whatever its limit."""


@lru_cache(maxsize=1)
def _parts() -> tuple[Redis, Broker]:
    return redis(), sending_broker(settings())


def tick() -> int:
    """Returns how many lanes were woken. Raises RedisError when that is not possible."""
    client, broker = _parts()
    _show_backlogs()
    return sum(send_wake(lane, client, broker) for lane in lanes_to_wake(lane_state))


def _show_backlogs() -> None:
    """In the metrics; web processes look at a lane only while somebody wants something of it."""
    bound = Limits(settings().lane_max_queued, 0.0).counted
    for lane in Lane:
        measure(lane, max(bound, COUNTED))
