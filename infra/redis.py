"""Redis: one client a process, with time-outs that a busy request can bear.

Everything kept here is a hint or a projection; whoever calls must be right without it.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.settings import settings

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
QUIET_SECONDS = 5.0
"""A subscriber that has heard nothing so long asks for a sign of life …"""
DEAF_SECONDS = 10.0
"""… and gives its connection up when none has come by then."""

SCRIPTS = Path(__file__).parent / "scripts"


def connect(
    url: str,
    answer_seconds: float = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
    *,
    patient: bool = True,
) -> Redis:
    """A client that fails within about a second instead of retrying for ten.

    Not ``patient``: what has timed out is not tried a second time.
    Raises nothing here; its calls raise RedisError (time-outs are RedisErrors too).
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=connect_seconds,
        socket_timeout=answer_seconds,
        # Once, for a kept connection that the server has closed.
        retry=Retry(NoBackoff(), 1) if patient else Retry(NoBackoff(), 1, (RedisConnectionError,)),
        health_check_interval=15,
    )


@lru_cache(maxsize=1)
def redis() -> Redis:
    """The process's client."""
    return connect(settings().redis_url)


def listen(url: str, channel: str) -> Iterator[bytes | None]:
    """The messages of a pub/sub channel, each as its bytes; None at first, and after each second
    without one, so that the caller can stop.

    Raises RedisError when the subscription breaks, or has given no sign of life for ten seconds: a
    half-open connection says nothing either.
    """
    with connect(url) as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(channel)
        yield None
        heard = time.monotonic()
        while True:
            message = subscription.get_message(timeout=1.0)
            silence = time.monotonic() - heard
            if message is not None:
                heard = time.monotonic()
                yield message["data"] if message["type"] == "message" else None
                continue
            if silence > DEAF_SECONDS:
                raise RedisConnectionError(f"nothing heard for {silence:.0f} s")
            if silence > QUIET_SECONDS:
                subscription.ping()
            yield None


def load_script(name: str) -> str:
    """The text of a Lua script beside this module."""
    return (SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")


__all__ = ["RedisError", "connect", "listen", "load_script", "redis"]
