import pytest

from bench.bench import Limits
from bench.command import _chosen
from bench.generator.plan import Loaded
from bench.k6 import loaded_of
from bench.limits.sql import SqlLimit
from bench.record import Record
from bench.scenarios import SCENARIOS
from bench.targets import TARGETS, Judged, Verdict, judge


def _front(per_second: float) -> Loaded:
    return Loaded(1.0, int(per_second), 0, 0, {}, {}, 0, {"p99": 1.0}, 0, 0.1)


def _judged(scenario: str, figures: dict[str, float], limits: Limits) -> dict[str, Judged]:
    found = judge([Record(scenario, figures=figures)], limits)
    return {one.target.figure: one for one in found}


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [(1_999.0, Verdict.SHORT), (2_000.0, Verdict.MET), (1_799.0, Verdict.SHORT)],
)
def test_both_the_share_of_the_limit_and_the_floor_bind(ended: float, verdict: Verdict) -> None:
    # 0.45 × 4,444 = 1,999.8; the floor is 1,800.
    found = _judged("coupon", {"full.ended_per_second": ended}, Limits(front=_front(4_444)))

    assert found["full.ended_per_second"].verdict is verdict


def test_a_floor_binds_beside_a_slow_limit() -> None:
    found = _judged("coupon", {"full.ended_per_second": 1_500.0}, Limits(front=_front(2_600)))

    judged = found["full.ended_per_second"]
    assert judged.ratio == pytest.approx(1_500 / 2_600)
    assert judged.verdict is Verdict.SHORT


def test_without_its_limit_or_its_figure_nothing_is_said() -> None:
    found = _judged("coupon", {"full.ended_per_second": 9_999.0}, Limits())

    assert {one.verdict for one in found.values()} == {Verdict.UNKNOWN}


def test_memory_is_the_most_of_all_parts() -> None:
    found = _judged(
        "lone", {"lone.fleet_memory_mb": 400.0, "other.fleet_memory_mb": 701.0}, Limits()
    )

    assert found["fleet_memory_mb"].verdict is Verdict.SHORT


def test_a_run_on_a_busy_machine_is_named_void() -> None:
    rates = {(batch, 1): rate for batch, rate in ((1, 309.0), (8, 1_730.0), (64, 4_360.0))}
    limits = Limits(front=_front(2_499), sql={"orders": SqlLimit("orders", rates)})

    assert limits.void() == [
        "L-front 2499/s is under 2,500/s",
        "L-sql 309 orders/s at batch 1 is under 310/s",
    ]


def test_every_target_is_of_a_scenario_that_measures_its_limit() -> None:
    for target in TARGETS:
        scenario = SCENARIOS[target.scenario]
        assert not target.of or target.of in scenario.limits, target


def test_without_names_those_are_left_out_that_are_only_played_by_name() -> None:
    everything = {one.name for one in _chosen([])}

    assert {"coupon", "browse", "indexes"} <= everything
    assert not everything & {"lock-strategies", "lock-granularity", "sweep"}
    assert [one.name for one in _chosen(["sweep", "lone"])] == ["lone", "sweep"]


def test_the_memory_of_fleets_that_are_not_the_shops_is_not_judged() -> None:
    assert _judged("sweep", {"x.fleet_memory_mb": 900.0}, Limits()) == {}


def test_k6_tells_the_same_as_our_own_generator() -> None:
    row = {"accepted": 100, "ended": 90, "acceptedPerSecond": 50.0, "endedPerSecond": 45.0,
           "p50": 10.0, "p95": 20.0, "p99": 30.0, "refusals": {"P002": 4}}

    loaded = loaded_of(
        {"rows": [row], "serverErrors": 1, "jobsNotEnded": 10, "seconds": 9.0}, cpu_seconds=2.0
    )

    assert loaded.ended_per_second == pytest.approx(45.0)
    assert loaded.accepted_per_second == pytest.approx(50.0)
    assert loaded.error_count == 11
    assert loaded.latency["p99"] == 30.0
