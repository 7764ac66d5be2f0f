"""Redis: one client a process, with time-outs that a busy request can bear.

Everything kept here is a hint or a projection; whoever calls must be right without it.
"""

from functools import lru_cache
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.settings import settings

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0

SCRIPTS = Path(__file__).parent / "scripts"


def connect(url: str, answer_seconds: float | None = ANSWER_SECONDS) -> Redis:
    """A client that fails within about a second instead of retrying for ten.

    ``answer_seconds`` None waits for ever: for a subscriber, which checks its connection itself.
    Raises nothing here; its calls raise RedisError (time-outs are RedisErrors too).
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 1),  # once, for a kept connection that the server has closed
        health_check_interval=15,
    )


@lru_cache(maxsize=1)
def redis() -> Redis:
    """The process's client."""
    return connect(settings().redis_url)


def load_script(name: str) -> str:
    """The text of a Lua script beside this module."""
    return (SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")


__all__ = ["RedisError", "connect", "load_script", "redis"]
