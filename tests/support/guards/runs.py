"""Runs of pytest with a guard gone, and what is to be thought of them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fleet.services.checks import connect_database
from tests.support.guards import switch
from tests.support.guards.cases import Case
from tests.support.guards.plugin import REPORT
from tests.support.services import TestServices

SECONDS = 420
_ASSERTIONS = ("AssertionError", "Failed")  # Failed: pytest.raises saw nothing raised


@dataclass(frozen=True)
class Result:
    """What became of one test."""

    test: str
    when: str
    outcome: str
    error: str = ""
    says: str = ""


@dataclass
class Verdict:
    """A case that was run: ``wrong`` is empty when every removal was caught as it should be."""

    case: Case
    seconds: float = 0.0
    results: dict[str, Result] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Runs:
    """Runs tests in processes of their own, on services that are lent to them."""

    def __init__(self, services: TestServices) -> None:
        self._services = services

    def without(self, case: Case) -> Verdict:
        """Run the tests of a case with its guards gone."""
        verdict, began = Verdict(case), time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ordering-guards-") as directory:
            trace = Path(directory) / "trace"
            ran = self._run(case.tests, Path(directory), switch.environment(case.removed, trace))
            verdict.results, output = ran
            missing = set(case.removed) - switch.traced(trace)
        verdict.seconds = time.monotonic() - began
        verdict.wrong = [f"{name} was never felt to be missing" for name in sorted(missing)]
        verdict.wrong += list(_judge(case, verdict.results))
        if verdict.wrong:
            verdict.wrong.append(output[-6000:])
        return verdict

    def with_all(self, tests: Sequence[str]) -> list[str]:
        """Run tests with every guard in its place: what is wrong then."""
        with tempfile.TemporaryDirectory(prefix="ordering-guards-") as directory:
            results, output = self._run(tests, Path(directory), {})
        wrong = [
            f"{test}: {results[test].says if test in results else 'did not run'}"
            for test in tests if test not in results or results[test].outcome != "passed"
        ]
        return [*wrong, output[-6000:]] if wrong else []

    def _run(
        self, tests: Sequence[str], directory: Path, environment: dict[str, str]
    ) -> tuple[dict[str, Result], str]:
        report = directory / "report"
        with self._database() as lent:
            done = subprocess.run(
                [
                    sys.executable, "-m", "pytest", "-p", "tests.support.guards.plugin", "-q",
                    "--tb=short", *tests,
                ],
                cwd=switch.PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=SECONDS, check=False,
                env={
                    **_outside(), "PYTHONPATH": str(switch.PROJECT), REPORT: str(report),
                    **lent, **environment,
                },
            )
        lines = report.read_text().splitlines() if report.exists() else []
        found = [Result(**json.loads(line)) for line in lines]
        # A test that failed twice, at its end too, is judged by the first.
        return {result.test: result for result in reversed(found)}, done.stdout

    @contextmanager
    def _database(self) -> Iterator[dict[str, str]]:
        """A database of the run's own, gone after it, on the server that is lent."""
        lent = self._services.lent()
        name = lent.database
        with connect_database(self._services.urls.database) as link, link.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield lent.environment()
        finally:
            with connect_database(self._services.urls.database) as link, link.cursor() as cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {name}")


def _outside() -> dict[str, str]:
    """The environment without what pytest and this switch have put there for themselves."""
    hidden = (switch.REMOVED, switch.TRACE, REPORT, "PYTEST_CURRENT_TEST")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _judge(case: Case, results: dict[str, Result]) -> Iterator[str]:
    for catch in case.caught_by:
        result = results.get(catch.test)
        if result is None:
            yield f"{catch.test} did not run"
        elif result.outcome != "failed":
            yield f"{catch.test} did not notice that {case.name} was gone"
        elif result.when != "call" or result.error not in _ASSERTIONS:
            yield f"{catch.test} broke instead of noticing: {result.error} {result.says}"
        elif not re.search(catch.says, result.says):
            yield f"{catch.test} failed by another assertion: {result.says}"
    for test in case.green:
        result = results.get(test)
        if result is None:
            yield f"{test} did not run"
        elif result.outcome != "passed":
            yield f"{test} failed, though {case.held_by} should hold: {result.says}"
