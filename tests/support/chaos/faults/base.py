"""What a fault is: it strikes once, waits until the fleet has recovered, and tells its figures."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.chaos.readings import UnderWay, seconds_taken
from tests.support.chaos.stage import Stage
from tests.support.chaos.traffic import Entry, Traffic
from tests.support.waiting import eventually

TAKEN_UP_P99 = 15.0
TAKEN_UP_MAX = 30.0
RETURNED_SECONDS = 60.0
"""How long after the return of a service its jobs may take to end."""


@dataclass(frozen=True)
class Scene:
    """Where a fault strikes. ``share``: of the long form's own durations, from 0 to 1."""

    stage: Stage
    traffic: Traffic
    chance: random.Random
    share: float = 0.0
    long: bool = False

    def lasting(self, seconds: float, least: float) -> float:
        """A duration of the long form, shortened with it."""
        return max(least, seconds * self.share)

    def rest(self, seconds: float) -> list[Entry]:
        """Let load flow for ``seconds``; the requests sent meanwhile."""
        began = time.monotonic()
        time.sleep(seconds)
        return self.traffic.log.between(began, time.monotonic())

    def flowing(self) -> None:
        """Wait until load flows, so that the fault meets some."""
        before = len(self.traffic.log.jobs())
        eventually(lambda: len(self.traffic.log.jobs()) >= before + 10, 60, "load flows")


@dataclass
class Measured:
    """``taken_up``: seconds until each job ended that the fault met; ``figures``: whatever else
    is worth telling; ``wrong``: what must not be, in words."""

    taken_up: list[float] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fault:
    """One line of the table. ``times``: how often in the whole long form; ``seconds``: roughly how
    long one takes, for the plan; ``smooth``: no request may notice it, not even by a 503."""

    name: str
    times: int
    inject: Callable[[Scene], Measured]
    seconds: float
    smooth: bool = False
    last: bool = False
    """Leaves something behind that its own judge knows of; nothing is played after it."""


def recovered(scene: Scene, mark: UnderWay, limit: float = RETURNED_SECONDS) -> Measured:
    """Wait until the fleet is whole and the jobs of ``mark`` have ended, each ``limit`` seconds
    at most."""
    measured = Measured()
    began = time.monotonic()
    try:
        eventually(scene.stage.healthy, limit, "the fleet is whole")
    except AssertionError as error:
        measured.wrong.append(str(error))
    measured.figures["whole after s"] = time.monotonic() - began
    measured.taken_up = seconds_taken(mark, limit)
    if measured.taken_up and max(measured.taken_up) > limit:
        measured.wrong.append(f"a job took {max(measured.taken_up):.1f} s to be taken up again")
    return measured


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of them do not exceed (nearest rank); 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def accept_milliseconds(entries: Sequence[Entry]) -> list[float]:
    return [entry.milliseconds for entry in entries if entry.status == 202]


__all__ = [
    "Fault", "Measured", "Scene", "accept_milliseconds", "percentile", "recovered",
]
