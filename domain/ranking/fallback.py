"""The ranking where Redis cannot tell: asked of the orders, sparingly."""

import math
import threading
import time
from collections.abc import Sequence
from datetime import date, tzinfo

from domain.ranking import store
from domain.ranking.rules import bounds_of

_ANSWER_KEPT_SECONDS = 1.0
_REDIS_SPARED_SECONDS = 2.0


class FromOrders:
    """What the orders themselves say, asked at most once a second for each window.

    Without that pause, Redis being away would put all its readers onto the database; and each
    would first wait for Redis to time out, which it is spared for two seconds after one did.
    """

    def __init__(self, limit: int) -> None:
        """``limit`` is the most that anybody asks of a window."""
        self._limit = limit
        self._lock = threading.Lock()
        self._redis_again_at = -math.inf
        self._answers: dict[tuple[date, int], tuple[float, list[tuple[int, int]]]] = {}

    def redis_failed(self) -> None:
        """Redis was found to be away."""
        self._redis_again_at = time.monotonic() + _REDIS_SPARED_SECONDS

    def redis_is_away(self) -> bool:
        return time.monotonic() < self._redis_again_at

    def _recent(self, days: Sequence[date]) -> list[tuple[int, int]] | None:
        at, found = self._answers.get((days[-1], len(days)), (-math.inf, []))
        return found if time.monotonic() - at < _ANSWER_KEPT_SECONDS else None

    def answer(self, days: Sequence[date], zone: tzinfo) -> list[tuple[int, int]]:
        """The best of a window; callers at the same time wait for one query."""
        with self._lock:
            found = self._recent(days)
            if found is None:
                start, end = bounds_of(days[0], zone)[0], bounds_of(days[-1], zone)[1]
                found = store.best_sellers(start, end, self._limit)
                self._forget_before(days[-1])
                self._answers[days[-1], len(days)] = (time.monotonic(), found)
            return found

    def _forget_before(self, today: date) -> None:
        for key in [key for key in self._answers if key[0] < today]:
            del self._answers[key]
