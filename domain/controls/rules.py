"""Which controls there are, and what their rows say. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from domain.jobs.kinds import Lane
from domain.jobs.lanes import LaneState

READ_ONLY = "read-only"
ON, OFF = "true", "false"


def pause_of(lane: Lane) -> str:
    """The name of the control that pauses ``lane``."""
    return f"lane.{lane}.paused"


MEANINGS = {
    **{
        pause_of(lane): f"Workers leave the jobs of lane {lane} alone; accepting goes on."
        for lane in Lane
    },
    READ_ONLY: "Requests that change something are answered 503; reading goes on.",
}
"""Every control, all of them off until somebody sets them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One control as the database holds it: ``age`` in seconds since it was last changed."""

    value: str
    age: float


@dataclass(frozen=True, slots=True)
class State:
    """What all controls say, as of one reading of them."""

    read_only: bool
    lanes: Mapping[Lane, LaneState]


def decide(found: Mapping[str, Row]) -> State:
    """The state that these rows mean; what was never set is off."""
    read_only = found.get(READ_ONLY)
    return State(
        read_only is not None and read_only.value == ON,
        {lane: _lane(found.get(pause_of(lane))) for lane in Lane},
    )


def _lane(row: Row | None) -> LaneState:
    if row is None:
        return LaneState(paused=False, running_for=math.inf)
    if row.value == ON:
        return LaneState(paused=True, running_for=0.0)
    return LaneState(paused=False, running_for=row.age)


UNSET = decide({})
