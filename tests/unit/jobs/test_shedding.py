"""When a lane takes nothing more, and when to come again."""

import math

import pytest

from domain.jobs.lanes import LaneState
from domain.jobs.shedding import UNLIMITED, Limits, Sample, drain_rate, retry_after, waited

LIMITS = Limits(queued=1_000, age=60.0)


@pytest.mark.parametrize(("queued", "age"), [(0, 0.0), (999, 0.0), (0, 60.0), (999, 59.9)])
def test_below_its_limits_a_lane_takes_more(queued: int, age: float) -> None:
    assert retry_after(queued, age, LIMITS, rate=100.0, jitter=0.5) is None


def test_without_limits_a_lane_takes_everything() -> None:
    assert retry_after(10**7, 10**6, UNLIMITED, rate=0.0, jitter=0.0) is None


@pytest.mark.parametrize(
    ("queued", "rate", "seconds"),
    [
        (1_000, 100.0, 1.0),  # one job too many: gone at once, but a second is the least
        (1_499, 100.0, 5.0),
        (100_000, 100.0, 60.0),
        (1_499, 0.0, 60.0),  # nothing is known to be done
    ],
)
def test_too_many_jobs_are_gone_by_the_drain_rate(
    queued: int, rate: float, seconds: float
) -> None:
    assert retry_after(queued, 0.0, LIMITS, rate, jitter=0.0) == seconds


def test_jobs_that_are_too_old_are_gone_by_the_drain_rate() -> None:
    # Given 900 jobs, the oldest twice as old as allowed: half of them are too old
    assert retry_after(900, 120.0, LIMITS, rate=50.0, jitter=0.0) == pytest.approx(9.0)


def test_those_who_come_again_are_spread() -> None:
    assert retry_after(1_000, 0.0, LIMITS, rate=100.0, jitter=1.0) == 2.0
    assert retry_after(2_999, 0.0, LIMITS, rate=100.0, jitter=1.0) == pytest.approx(24.0)
    assert retry_after(100_000, 0.0, LIMITS, rate=1.0, jitter=1.0) == 60.0


def test_a_lane_that_stands_still_by_order_is_not_late() -> None:
    sample = Sample(queued=10, oldest=500.0)
    assert waited(sample, LaneState(paused=True, running_for=0.0)) == 0.0
    # And once it goes on, only what passes from then on counts
    assert waited(sample, LaneState(paused=False, running_for=12.0)) == 12.0
    assert waited(sample, LaneState(paused=False, running_for=math.inf)) == 500.0


def test_the_drain_rate_follows_the_samples() -> None:
    # Given the first two samples, with 200 let in between: 300 were done in two seconds
    rate = drain_rate(0.0, Sample(1_000, 0), Sample(900, 0), accepted=200, seconds=2.0)
    assert rate == 150.0
    # When more is done, it comes closer; what others let in never makes it negative
    assert 150.0 < drain_rate(rate, Sample(900, 0), Sample(600, 0), 0, 1.0) < 300.0
    assert 0.0 < drain_rate(rate, Sample(900, 0), Sample(2_000, 0), 0, 1.0) < 150.0


def test_counting_goes_on_beyond_the_limit() -> None:
    assert LIMITS.counted > LIMITS.queued
