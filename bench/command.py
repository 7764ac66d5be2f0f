"""``./dev bench``: what is typed, and what comes of it."""

import argparse
import json
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench import charts
from bench.bench import Bench
from bench.k6 import K6LoadMaker
from bench.loads import LoadMaker
from bench.options import Options
from bench.record import Record, Recorder
from bench.report import Report
from bench.scenarios import SCENARIOS, Scenario
from bench.stage import Stage, own_directory
from fleet.console import StartError, say, step


def main(words: Sequence[str]) -> int:
    """Exit code: 0; 1 where it could not be played; 3 where audit does not hold, a job did not end
    or an answer was 5xx. Targets that are missed are told, and no failure."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    arguments = _parser().parse_args(words)
    if arguments.list:
        for one in SCENARIOS.values():
            print(f"{one.name:16} {one.about}{' (only by its name)' if one.by_name else ''}")
        return 0
    try:
        report = _play(arguments)
    except StartError as error:
        say(f"./dev bench: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    report.show(Console(width=None if sys.stdout.isatty() else 160))
    if arguments.markdown:
        Path(arguments.markdown).write_text(report.markdown())
    if arguments.charts:
        for path in charts.draw(report, Path(arguments.charts)):
            say(f"drawn: {path}")
    return 3 if report.failed else 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measure what the ordering core can do, beside the limits "
        "of what it stands on; see docs/performance.md."
    )
    parser.add_argument("scenarios", nargs="*", metavar="scenario",
                        help="if none is named, all but those only played by name")
    parser.add_argument("--list", action="store_true", help="name the scenarios, and play none")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N",
                        help="of each load (%(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X",
                        help="users, backlogs and tables, of those that the targets name (1)")
    parser.add_argument("--generator", choices=("own", "k6"), default="own",
                        help="what makes the load, limits included (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables")
    parser.add_argument("--charts", metavar="DIRECTORY", help="draw pictures (scenario curves)")
    return parser


def _save(path: str | None, report: Report) -> None:
    """After each scenario: what is measured is not lost by what comes after it."""
    if path:
        Path(path).write_text(json.dumps(report.as_json(), indent=2) + "\n")


def _chosen(names: Sequence[str]) -> list[Scenario]:
    for name in names:
        if name not in SCENARIOS:
            raise StartError(f"there is no scenario {name}; ./dev bench --list names them")
    return [
        one for one in SCENARIOS.values()
        if one.name in names or not (names or one.by_name)
    ]


def _play(arguments: argparse.Namespace) -> Report:
    chosen = _chosen(arguments.scenarios)
    options = Options(arguments.seconds, arguments.scale)
    stage = Stage(own_directory())
    try:
        stage.start()
        loads = K6LoadMaker(stage) if arguments.generator == "k6" else LoadMaker(stage)
        bench = Bench(stage, options, loads)
        bench.measure_limits({name for one in chosen for name in one.limits})
        report = Report(options, arguments.generator, bench.limits)
        for one in chosen:
            with step(one.name):
                report.records.append(_one(bench, one))
            _save(arguments.json, report)
        return report
    finally:
        with step("stopping"):
            stage.end()


def _one(bench: Bench, scenario: Scenario) -> Record:
    """Play it, and ask the auditor."""
    record = Record(scenario.name)
    try:
        scenario.play(bench, Recorder(bench.stage, bench.loads, record))
    except Exception as error:  # the others are still worth measuring
        traceback.print_exc()
        record.wrong.append(f"not played to its end: {error!r}")
    report = bench.stage.audit()
    broken = [
        f"{finding['name']}: {finding['status']}"
        for finding in report["invariants"] if finding["status"] != "holds"
    ]
    record.audit = "; ".join(broken) or "holds"
    return record
