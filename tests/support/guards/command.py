"""``./dev guards``: take one guard away at a time, and see that the suite notices."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.guards.cases import CASES, Case
from tests.support.guards.runs import Runs, Verdict
from tests.support.guards.table import listed, table
from tests.support.services import running_test_services


def main(words: Sequence[str]) -> int:
    """Returns 0 when every case that was asked for was run and is as it should be."""
    parser = argparse.ArgumentParser(prog="./dev guards", description=__doc__)
    parser.add_argument("guard", nargs="*", help="only cases that take one of these away")
    parser.add_argument("--list", action="store_true", help="name the guards and run nothing")
    options = parser.parse_args(words)
    cases = [
        case for case in CASES if not options.guard or set(case.removed) & set(options.guard)
    ]
    if not cases:
        parser.error(f"no such guard; there are:\n{listed(CASES)}")
    if options.list:
        print(listed(cases))
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="ordering-guards-") as directory,
        running_test_services(Path(directory)) as services,
    ):
        return _run(Runs(services), cases)


def _run(runs: Runs, cases: Sequence[Case]) -> int:
    tests = list(dict.fromkeys(test for case in cases for test in case.tests))
    say(f"every guard in its place: {len(tests)} tests")
    began = time.monotonic()
    wrong = runs.with_all(tests)
    say(f"  {'all pass' if not wrong else 'NOT ALL PASS'}, {time.monotonic() - began:.0f} s")
    if wrong:
        print("\n".join(wrong))
        return 1
    verdicts: list[Verdict] = []
    for case in cases:
        say(f"without {case.name}")
        verdict = _verdict(runs, case)
        verdicts.append(verdict)
        say(f"  {'; '.join(verdict.wrong) or 'as it should be'}, {verdict.seconds:.0f} s")
    print(table(verdicts))
    return 1 if any(verdict.wrong for verdict in verdicts) else 0


def _verdict(runs: Runs, case: Case) -> Verdict:
    try:
        return runs.without(case)
    except subprocess.TimeoutExpired as error:
        return Verdict(case, error.timeout, wrong=[f"NOT RUN to its end in {error.timeout:.0f} s"])


def say(text: str) -> None:
    """Progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)
