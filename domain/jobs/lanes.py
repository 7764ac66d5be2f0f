"""Whether a lane is worked at all, as operators want it. The machinery is told, and never asks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from domain.jobs.kinds import Lane


@dataclass(frozen=True, slots=True)
class LaneState:
    """``running_for``: seconds since the lane was last let go on; infinite if it never stood still.

    Time in which a lane stands still is nobody's fault: what is judged by time counts no more of it
    than this.
    """

    paused: bool = False
    running_for: float = math.inf

    def later(self, seconds: float) -> "LaneState":
        """The same, so many seconds later."""
        return self if self.paused else LaneState(False, self.running_for + seconds)


LaneStates = Callable[[Lane], LaneState]
"""Tells a lane's state; cheap enough to be asked at each turn."""


def always_running(_: Lane) -> LaneState:
    """Nobody can pause anything."""
    return LaneState()
