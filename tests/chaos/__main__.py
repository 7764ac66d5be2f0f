"""``python -m tests.chaos``: the fault suite in its long form; ``./dev chaos`` calls it."""

import argparse
import json
import random
import sys
from pathlib import Path

from fleet.console import StartError, say
from tests.support.chaos.alone import alone
from tests.support.services import TestServices


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev chaos",
        description="Break everything, under load, and see that nothing is lost and nothing is "
        "done twice. Starts services and a fleet of its own. Exit code 1: a promise is broken; "
        "2: a fault did not run.",
    )
    parser.add_argument("--minutes", type=float, default=90.0, help="(%(default)s: all of it)")
    parser.add_argument("--seed", type=int, default=1, help="draws the order and all choices")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME",
                        help="faults or groups whose name holds one of these")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep the fleet's logs here")
    return parser.parse_args()


def main() -> int:
    wanted = _arguments()
    chance = random.Random(wanted.seed)  # a run that can be repeated
    with alone(wanted.keep) as (services, directory):
        return _play(wanted, services, directory, chance)


def _play(
    wanted: argparse.Namespace, services: TestServices, directory: Path, chance: random.Random
) -> int:
    from tests.support.chaos.long_form import plan, run
    from tests.support.chaos.table import as_json, as_markdown, verdict

    planned = plan(wanted.minutes, chance, wanted.only)
    all_played = run(services, directory, planned, chance, wanted.minutes)
    print(f"seed {wanted.seed}, {wanted.minutes:g} minutes, {planned.share:.0%} of the long form\n")
    print(as_markdown(all_played))
    if wanted.json:
        wanted.json.write_text(json.dumps([as_json(one) for one in all_played], indent=2) + "\n")
    verdicts = {verdict(played) for played in all_played}
    if "broken" in verdicts:
        return 1
    return 2 if "not run" in verdicts else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StartError as error:
        say(f"./dev chaos: {error}")
        sys.exit(1)
