"""What is judged of an overload: each thing that must not be is said, and nothing else."""

from dataclasses import replace

import pytest

from domain.jobs.kinds import Lane
from tests.support.chaos.flood import Tally
from tests.support.chaos.memory import MEBIBYTE, Held, held
from tests.support.chaos.overload import Extent, Flooded, Phase, Result
from tests.support.chaos.overload_table import as_json, as_markdown
from tests.support.chaos.traffic import Entry

SIZE = 100 * MEBIBYTE


def growing(mebibytes_a_second: float, start: int = SIZE) -> list[tuple[float, int]]:
    return [(second, start + int(second * mebibytes_a_second * MEBIBYTE)) for second in range(300)]


def test_a_line_that_rises_is_not_level() -> None:
    assert held(growing(0.0)).level
    assert held(growing(0.01)).level  # two mebibytes in all
    assert not held(growing(0.05)).level  # ten
    assert held(growing(0.05)).growth == pytest.approx(10 * MEBIBYTE, rel=0.01)


def test_what_grows_at_the_beginning_and_then_stays_is_level() -> None:
    samples = [(second, SIZE + min(second, 50) * MEBIBYTE) for second in range(300)]
    assert held(samples) == Held(SIZE, SIZE + 50 * MEBIBYTE, SIZE + 50 * MEBIBYTE, 0.0)
    assert held(samples).level


def test_one_high_sample_is_told_and_is_no_growth() -> None:
    samples = growing(0.0)
    samples[200] = (200, SIZE * 2)
    assert held(samples).most == SIZE * 2
    assert held(samples).level


def phase(p99: float = 50.0, *entries: Entry) -> Phase:
    return Phase("a phase", 10.0, list(entries or [entry(200)]), p99 / 2, p99, p99 + 5)


def entry(status: int, code: str = "") -> Entry:
    return Entry("steady", 1, "", 0.0, 1.0, status, code)


GOOD = Flooded(
    Extent(300.0), Lane.USERS, phase(), phase(), phase(),
    Tally(seconds=300.0, sent=3_000, answers={"202": 1_000, "503": 2_000}), 5.0, 900, 0,
    {"web 1": Held(SIZE, SIZE, SIZE, 0.0)}, {},
)


def with_tally(**changed: object) -> Flooded:
    return replace(GOOD, tally=replace(GOOD.tally, **changed))


@pytest.mark.parametrize(
    ("flooded", "told"),
    [
        (with_tally(answers={"202": 1, "503": 1, "500": 1}), "answered {'500': 1}"),
        (with_tally(no_answer=2), "2 not at all"),
        (with_tally(bare=3), "3 answers 503 without Retry-After"),
        (replace(GOOD, unkept=4), "4 accepted jobs did not end"),
        (replace(GOOD, meanwhile=phase(1_100.0)), "the other lane's p99 was 1100 ms"),
        (replace(GOOD, after=phase(300.0)), "was 300 ms afterwards, 50 before"),
        (replace(GOOD, meanwhile=phase(50.0, entry(503, "COMMON008"))), "answered 503 COMMON008"),
        (replace(GOOD, meanwhile=Phase("a phase", 10.0, [], 0.0, 0.0, 0.0)), "got no answer"),
        (replace(GOOD, held={"web 1": Held(SIZE, SIZE, SIZE, 9.0 * MEBIBYTE)}), "grew by 9.0 MiB"),
    ],
)
def test_what_must_not_be_is_said(flooded: Flooded, told: str) -> None:
    assert GOOD.wrong() == []
    [wrong] = flooded.wrong()
    assert told in wrong


def test_a_lane_that_turned_nothing_away_was_not_tried() -> None:
    assert Result(GOOD.extent, [GOOD], 400.0).overloaded()
    idle = Result(GOOD.extent, [GOOD, with_tally(answers={"202": 9})], 400.0)
    assert not idle.overloaded()
    assert "NOT OVERLOADED" in as_markdown(idle)
    assert as_json(idle)["overloaded"] is False
