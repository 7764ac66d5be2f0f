"""The one retry policy: exponential with full jitter, from the attempt alone.

Full jitter after Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015):
under contention it needs the fewest calls. No clock inside; the caller adds it to its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays ``base``, 2·``base``, 4·``base`` … seconds, never over ``cap``."""

    base: float
    cap: float

    def exact(self, attempt: int) -> float:
        """Seconds after the ``attempt``-th failure (from 1), without jitter."""
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 62))

    def jittered(self, attempt: int, random: Callable[[], float] = random) -> float:
        """Seconds, uniform between nothing and :meth:`exact`."""
        return self.exact(attempt) * random()
