"""Counting requests in windows that all processes share, at next to no cost a request.

A strategy for Flask-Limiter's engine. A process counts by itself and tells Redis whenever it has
counted a hundredth of the limit, so limits of a thousand and more cost a round trip every ten
requests or fewer, and are passed by a hundredth a process at most; limits below 200 are exact.
Without Redis everybody is let through.
"""

import time
from collections.abc import Callable
from typing import Any
from zlib import crc32

import structlog
from limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import STRATEGIES, FixedWindowRateLimiter
from limits.util import WindowStats
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.metrics import rate_limits_unchecked

STRATEGY = "shared-window"
ANSWER_SECONDS = 0.1
"""How long a request waits for Redis; then it is let through."""
REST_SECONDS = 1.0
"""How long Redis is left alone after it failed: then one request asks again."""
SHARE = 100
MAX_WINDOWS = 20_000

log = structlog.get_logger(__name__)

STORAGE_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": ANSWER_SECONDS,
    "socket_timeout": ANSWER_SECONDS,
    "retry": Retry(NoBackoff(), 1),  # once, for a kept connection that the server has closed
    "key_prefix": "limit",
}


def storage_uri(redis_url: str) -> str:
    """REDIS_URL as Flask-Limiter spells it."""
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url


class _Window:
    """What one process knows of one caller's current window."""

    __slots__ = ("ends", "own", "sent", "total")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.total = 0
        """What Redis said, ours included."""
        self.sent = 0
        """Told to Redis and not yet answered."""
        self.own = 0
        """Counted here and not yet told."""

    @property
    def used(self) -> int:
        return self.total + self.sent + self.own


class SharedWindow(FixedWindowRateLimiter):
    """Fixed windows by the wall clock, which begin at another second for each caller."""

    storage: RedisStorage

    def __init__(
        self,
        storage: RedisStorage,
        clock: Callable[[], float] = time.time,
        pause_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(storage)
        self._clock = clock
        self._pause_clock = pause_clock
        self._windows: dict[tuple[int, int, int, tuple[str, ...]], _Window] = {}
        self._away = False
        self._rest_until = float("-inf")

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count a request. True if it may go on; always while Redis cannot say otherwise."""
        window = self._window(item, identifiers)
        if window.total > item.amount:
            return False
        window.own += cost
        if window.own >= max(1, item.amount // SHARE):
            return self._tell(item, identifiers, window)
        return window.used <= item.amount or self._away

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When the window ends and what is left of it, as far as this process knows."""
        window = self._window(item, identifiers)
        return WindowStats(window.ends, max(0, item.amount - window.used))

    def _window(self, item: RateLimitItem, identifiers: tuple[str, ...]) -> _Window:
        now = self._clock()
        key = (item.amount, item.multiples, item.GRANULARITY.seconds, identifiers)
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            if len(self._windows) >= MAX_WINDOWS:
                self._forget(now)
            length = item.get_expiry()
            # So that not all callers come back at once.
            phase = crc32("/".join(identifiers).encode()) % length
            window = _Window((now + phase) // length * length + length - phase)
            self._windows[key] = window
        return window

    def _forget(self, now: float) -> None:
        """Windows that have ended; all of them if that makes no room, to the callers' favour."""
        kept = {key: window for key, window in self._windows.items() if window.ends > now}
        self._windows = kept if len(kept) < MAX_WINDOWS else {}

    def _tell(self, item: RateLimitItem, identifiers: tuple[str, ...], window: _Window) -> bool:
        """Add what was counted here to what all count. Others may go on meanwhile."""
        now = self._pause_clock()
        if self._away:
            if now < self._rest_until:
                rate_limits_unchecked.inc()
                return True
            self._rest_until = now + REST_SECONDS  # this one asks, and nobody else for a while
        count, window.own = window.own, 0
        window.sent += count
        name = f"{item.key_for(*identifiers)}/{int(window.ends)}"
        try:
            total = self.storage.incr(name, item.get_expiry(), count)
        except RedisError as error:
            window.own += count
            self._failed(error)
            return True
        finally:
            window.sent -= count
        if self._away:
            self._away = False
            log.info("rate limits hold again")
        window.total = max(window.total, total)
        return total <= item.amount

    def _failed(self, error: RedisError) -> None:
        rate_limits_unchecked.inc()
        self._rest_until = self._pause_clock() + REST_SECONDS
        if not self._away:
            self._away = True
            log.warning("rate limits do not hold, Redis is away", error=repr(error))


STRATEGIES[STRATEGY] = SharedWindow
