"""The jobs on APScheduler: nudges wake the relay at once, and none is lost while it runs."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from schedulers.guard import Guarded
from schedulers.timetable import RELAY, REST_SECONDS, Timetable
from tests.support.waiting import eventually

LONG = 3600.0


@pytest.fixture
def timetable() -> Iterator[Timetable]:
    table = Timetable()
    yield table
    table.stop()


class Relay:
    """Counts its runs, and how many there were at once; holds each until it is let go."""

    def __init__(self) -> None:
        self.runs = 0
        self.at_once = 0
        self.most_at_once = 0
        self.go = threading.Event()
        self.go.set()

    def tick(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.runs += 1
        self.go.wait(10)
        self.at_once -= 1


def test_a_nudge_runs_the_relay_at_once(timetable: Timetable) -> None:
    # Given a relay that is due in an hour
    relay = Relay()
    timetable.every(LONG, Guarded(RELAY, relay.tick), LONG)
    timetable.start()
    # When it is nudged, Then it runs now
    began = time.monotonic()
    timetable.nudge()
    eventually(lambda: relay.runs == 1, 5)
    assert time.monotonic() - began < 1


def test_nudges_during_a_run_make_one_more_run(timetable: Timetable) -> None:
    # Given a relay under way
    relay = Relay()
    relay.go.clear()
    timetable.every(LONG, Guarded(RELAY, relay.tick))
    timetable.start()
    eventually(lambda: relay.runs == 1, 5)
    # When it is nudged many times before it ends
    for _ in range(50):
        timetable.nudge()
    assert relay.runs == 1
    relay.go.set()
    # Then it runs once more, and not beside itself
    eventually(lambda: relay.runs == 2, 5)
    time.sleep(0.3)
    assert relay.runs == 2
    assert relay.most_at_once == 1


def test_a_relay_that_is_nudged_all_the_time_rests_between_its_runs(timetable: Timetable) -> None:
    # Given a relay that is asked for again as soon as it has begun
    runs, asking = 0, True

    def carry() -> None:
        nonlocal runs
        runs += 1
        if asking:
            timetable.nudge()

    # When half a second passes
    timetable.every(LONG, Guarded(RELAY, carry))
    timetable.start()
    time.sleep(0.5)
    asking = False
    # Then it has run as often as its rests allow
    assert 2 <= runs <= 0.5 / REST_SECONDS + 2


def test_no_nudge_is_lost_whenever_it_comes(timetable: Timetable) -> None:
    # Given a relay that takes what is there when it looks, and is never due by itself
    waiting, carried = [0], [0]

    def carry() -> None:
        found, waiting[0] = waiting[0], 0
        time.sleep(0.001)
        carried[0] += found

    timetable.every(LONG, Guarded(RELAY, carry), LONG)
    timetable.start()
    # When work and its nudge come at any moment of its runs
    for number in range(300):
        waiting[0] = 1
        timetable.nudge()
        # Then each time it is carried
        eventually(lambda: waiting[0] == 0, 2, f"work {number} was carried")


def test_a_job_that_fails_runs_again(timetable: Timetable) -> None:
    runs: list[float] = []

    def fail() -> None:
        runs.append(time.monotonic())
        raise ConnectionError

    timetable.every(0.2, Guarded("test_failing_job", fail))
    timetable.start()
    eventually(lambda: len(runs) >= 2, 10)


def test_stopping_waits_for_the_run_under_way() -> None:
    table, relay = Timetable(), Relay()
    relay.go.clear()
    table.every(LONG, Guarded(RELAY, relay.tick))
    table.start()
    eventually(lambda: relay.runs == 1, 5)
    ended: list[Callable[[], None]] = []
    stopper = threading.Thread(target=lambda: (table.stop(), ended.append(table.stop)))
    stopper.start()
    time.sleep(0.2)
    assert not ended
    relay.go.set()
    stopper.join(5)
    assert ended
    table.nudge()  # too late, and no error
    assert relay.runs == 1
