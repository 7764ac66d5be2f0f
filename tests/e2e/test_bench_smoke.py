"""The bench, in short: it plays, its figures are there, and none of them has collapsed.

The floors are a sixth of what a quiet machine reaches: they notice a figure that fell to a trickle,
and nothing finer. docs/performance.md has the real ones.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from fleet.layout import PROJECT
from fleet.services.selection import VARIABLES

pytestmark = pytest.mark.timeout(520)

SCENARIOS = ("coupon", "order-random", "lone")
LEAST_PER_SECOND = 20
LEAST_SHARE = 0.05
MOST_LONE_MS = 1_000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the bench says after loads of three seconds."""
    directory = tmp_path_factory.mktemp("bench")
    environment = {
        name: value for name, value in os.environ.items() if name not in VARIABLES.values()
    }
    words = [*SCENARIOS, "--seconds", "3", "--scale", "0.02", "--json", str(directory / "json"),
             "--markdown", str(directory / "markdown")]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=PROJECT, text=True, capture_output=True,
        env={**environment, "BENCH_DIRECTORY": str(directory / "bench")}, timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| scenario |" in (directory / "markdown").read_text()
    found: dict[str, Any] = json.loads((directory / "json").read_text())
    return found


def test_everything_played_to_its_end_and_the_auditor_found_nothing(report: dict[str, Any]) -> None:
    assert [one["scenario"] for one in report["scenarios"]] == list(SCENARIOS)
    for one in report["scenarios"]:
        assert (one["audit"], one["wrong"]) == ("holds", []), one["scenario"]


@pytest.mark.parametrize("scenario", ["coupon", "order-random"])
def test_no_throughput_has_collapsed(report: dict[str, Any], scenario: str) -> None:
    ended = _figures(report, scenario)["full.ended_per_second"]

    assert ended >= LEAST_PER_SECOND
    assert ended >= LEAST_SHARE * report["limits"]["front"]


def test_a_lone_request_is_not_kept_waiting(report: dict[str, Any]) -> None:
    assert 0 < _figures(report, "lone")["lone.p50_ms"] <= MOST_LONE_MS


def test_usage_is_told_by_kind_of_process(report: dict[str, Any]) -> None:
    usage = next(one for one in report["scenarios"] if one["scenario"] == "order-random")["usage"]

    assert {"web", "users", "coupons", "scheduler", "consumers", "load generator"} <= set(
        usage["full"]
    )
    assert usage["full"]["web"]["cpuMean"] > 0
    assert usage["full"]["web"]["memoryMost"] > 10


def _figures(report: dict[str, Any], scenario: str) -> dict[str, float]:
    found: dict[str, float] = next(
        one["figures"] for one in report["scenarios"] if one["scenario"] == scenario
    )
    return found
