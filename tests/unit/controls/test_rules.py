"""What the rows of the controls mean."""

import math

from domain.controls.rules import MEANINGS, READ_ONLY, Row, decide, pause_of
from domain.jobs.kinds import Lane
from domain.jobs.lanes import LaneState


def test_what_was_never_set_is_off() -> None:
    state = decide({})
    assert not state.read_only
    assert set(state.lanes.values()) == {LaneState(paused=False, running_for=math.inf)}


def test_every_lane_has_its_switch() -> None:
    assert {*MEANINGS} == {READ_ONLY, "lane.users.paused", "lane.coupons.paused"}


def test_a_lane_that_is_paused_and_one_that_goes_on_again() -> None:
    state = decide({
        pause_of(Lane.USERS): Row("true", 100.0),
        pause_of(Lane.COUPONS): Row("false", 7.0),
        READ_ONLY: Row("true", 1.0),
    })
    assert state.read_only
    assert state.lanes[Lane.USERS] == LaneState(paused=True, running_for=0.0)
    assert state.lanes[Lane.COUPONS] == LaneState(paused=False, running_for=7.0)
    # And time goes on for the one that runs
    assert state.lanes[Lane.USERS].later(3).running_for == 0.0
    assert state.lanes[Lane.COUPONS].later(3).running_for == 10.0
