"""When a lane has more work than it should take, and when it is worth while to come again. Pure."""

from dataclasses import dataclass

from domain.jobs.lanes import LaneState

MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
_SMOOTHING = 0.3
"""How much the newest second counts in the drain rate."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``queued``: jobs that may wait in a lane; ``age``: seconds that the oldest may have waited.
    0 is no limit."""

    queued: int
    age: float

    @property
    def counted(self) -> int:
        """How far it is worth while to count: beyond the limit, so that its going down is seen."""
        return self.queued + self.queued // 4 + 1


UNLIMITED = Limits(0, 0.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """A lane at one moment: unended jobs, counted up to a bound, and seconds that the oldest job
    which a worker could do has waited."""

    queued: int
    oldest: float


def waited(sample: Sample, lane: LaneState) -> float:
    """What the oldest job's age says about the workers: nothing while they may not work, and no
    more than the time since they may again."""
    return 0.0 if lane.paused else min(sample.oldest, lane.running_for)


def drain_rate(
    rate: float, before: Sample, after: Sample, accepted: int, seconds: float
) -> float:
    """Jobs a second that the lane gets done: ``rate`` as it was, corrected by two samples.

    ``accepted`` is what is known to have come meanwhile; others may have let in more, so this is
    exact when nobody lets anything in, which is when it is asked for.
    """
    done = max(0.0, (before.queued + accepted - after.queued) / seconds)
    return done if rate == 0.0 else rate + _SMOOTHING * (done - rate)


def retry_after(
    queued: int, age: float, limits: Limits, rate: float, jitter: float
) -> float | None:
    """Seconds after which the lane should be below its limits; None when it is.

    ``jitter`` between 0 and 1 spreads those who come again over a fifth of that time, and a second
    at least.
    """
    excess = 0.0
    if limits.queued and queued >= limits.queued:
        excess = queued - limits.queued + 1.0
    if limits.age and age > limits.age:
        excess = max(excess, queued * (age - limits.age) / age)  # the share that is too old
    if not excess:
        return None
    seconds = excess / rate if rate else MAX_RETRY_SECONDS
    seconds = min(MAX_RETRY_SECONDS, max(MIN_RETRY_SECONDS, seconds))
    return min(MAX_RETRY_SECONDS, seconds + jitter * max(1.0, seconds / 5))
