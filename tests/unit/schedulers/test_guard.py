"""A job that fails is tried again, and never ends."""

import pytest

from infra import metrics
from schedulers.guard import Guarded


class Job:
    def __init__(self) -> None:
        self.runs = 0
        self.broken = True
        self.now = 0.0

    def tick(self) -> None:
        self.runs += 1
        if self.broken:
            raise ConnectionError("the database is away")


def test_an_error_is_counted_and_followed_by_a_pause_that_grows_to_five_seconds() -> None:
    # Given a job that always fails, ticked every second
    job = Job()
    guarded = Guarded("test_failing", job.tick, clock=lambda: job.now)
    runs_at = []
    for job.now in range(20):  # type: ignore[assignment]
        before = job.runs
        guarded()
        if job.runs > before:
            runs_at.append(job.now)
    # Then it was run again after 1, 2, 4 and then every 5 seconds
    assert runs_at == [0, 1, 3, 7, 12, 17]
    assert metrics.ticks_failed.labels("test_failing")._value.get() == len(runs_at)


def test_a_job_that_works_again_runs_at_every_tick() -> None:
    job = Job()
    guarded = Guarded("test_mended", job.tick, clock=lambda: job.now)
    guarded()
    job.broken, job.now = False, 1.0
    for _ in range(3):
        guarded()
    assert job.runs == 4


def test_a_request_to_end_the_process_is_not_swallowed() -> None:
    def end() -> None:
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        Guarded("test_ending", end)()
