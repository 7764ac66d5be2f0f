"""Wakes lanes whose work nobody was told about, or whose worker is gone."""

from functools import lru_cache

from dramatiq.broker import Broker
from redis import Redis

from domain.jobs.sweeper import lanes_to_wake
from domain.jobs.wake import send_wake
from infra.broker import sending_broker
from infra.redis import redis
from infra.settings import settings


@lru_cache(maxsize=1)
def _parts() -> tuple[Redis, Broker]:
    return redis(), sending_broker(settings())


def tick() -> int:
    """Returns how many lanes were woken. Raises RedisError when that is not possible."""
    client, broker = _parts()
    return sum(send_wake(lane, client, broker) for lane in lanes_to_wake())
