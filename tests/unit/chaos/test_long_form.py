"""The long form's plan and its table: what ran is told as it ran, and what did not as not run."""

import random

import pytest

from fleet.console import StartError
from tests.support.chaos.faults.base import Fault, Measured, Scene, percentile
from tests.support.chaos.faults.catalogue import APART, WHOLE
from tests.support.chaos.judge import Verdict
from tests.support.chaos.long_form import plan
from tests.support.chaos.play import Played
from tests.support.chaos.table import as_json, as_markdown, verdict
from tests.support.chaos.traffic import Entry

EVERY = [fault for groups in (WHOLE, APART) for faults in groups.values() for fault in faults]


def nothing(_: Scene) -> Measured:
    return Measured()


KILL = Fault("kill -9: something", 20, nothing, 1)


def ran(fault: Fault, *runs: Measured) -> Played:
    return Played(fault, len(runs), list(runs), verdict=Verdict())


def test_names_are_unique() -> None:
    assert len({fault.name for fault in EVERY}) == len(EVERY)


def test_a_plan_is_drawn_from_its_seed() -> None:
    first, again, other = (plan(60, random.Random(seed)) for seed in (7, 7, 8))
    assert list(first.faults()) == list(again.faults())
    assert list(first.faults()) != list(other.faults())


def test_with_time_enough_all_is_played_as_often_as_the_table_says() -> None:
    assert {fault.name: times for fault, times in plan(600, random.Random(1)).faults()} == {
        fault.name: fault.times for fault in EVERY
    }


def test_with_little_time_each_is_played_once() -> None:
    planned = plan(1, random.Random(1))
    assert sorted(fault.name for fault, _ in planned.faults()) == sorted(one.name for one in EVERY)
    assert {times for _, times in planned.faults()} == {1}


def test_what_leaves_something_behind_is_played_last_on_its_stage() -> None:
    for seed in range(20):
        for act in plan(60, random.Random(seed)).acts:
            assert not any(fault.last for fault, _ in act.parts[:-1])


def test_only_some() -> None:
    names = [fault.name for fault, _ in plan(60, random.Random(1), ["flushall"]).faults()]
    assert names == ["Redis FLUSHALL"]
    with pytest.raises(StartError, match="no fault is named nonsense"):
        plan(60, random.Random(1), ["nonsense"])


def test_what_did_not_run_is_never_said_to_hold() -> None:
    played = Played(KILL, 20)
    assert verdict(played) == "not run"
    assert as_json(played)["ran"] == 0
    assert "| kill -9: something | 0/20 |" in as_markdown([played])
    assert "holds" not in as_markdown([played])


def test_a_fault_that_could_not_be_played_to_its_end_is_broken() -> None:
    assert verdict(Played(KILL, 1, broke="nobody came back")) == "broken"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([1.0] * 99 + [14.0], "holds"), ([1.0] * 90 + [16.0] * 10, "broken"), ([31.0], "broken")],
)
def test_a_kill_has_to_be_made_up_for_in_time(seconds: list[float], expected: str) -> None:
    assert verdict(ran(KILL, Measured(taken_up=seconds))) == expected


def test_what_a_judge_or_a_run_finds_breaks_the_fault_and_is_told() -> None:
    played = ran(KILL, Measured(wrong=["the breaker stays open"]))
    assert played.verdict is not None
    played.verdict.wrong.append("job 1 is still running")
    assert verdict(played) == "broken"
    assert "kill -9: something: the breaker stays open" in as_markdown([played])
    assert "kill -9: something: job 1 is still running" in as_markdown([played])


@pytest.mark.parametrize("status", [0, 500, 503])
def test_nobody_may_notice_a_smooth_fault(status: int) -> None:
    smooth = Fault("restart", 1, nothing, 1, smooth=True)
    played = ran(smooth, Measured())
    assert verdict(played) == "holds"
    played.entries.append(Entry("order.place", 1, "k", 0.0, 1.0, status))
    assert verdict(played) == "broken"


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2
    assert percentile(list(map(float, range(1, 101))), 0.99) == 99
    assert percentile([1.0, 2.0], 0.99) == 2
