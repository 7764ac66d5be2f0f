"""``python -m tests.overload``: more load than can be done; ``./dev overload`` calls it."""

import argparse
import json
import sys
from pathlib import Path

from fleet.console import StartError, say
from tests.support.chaos.alone import alone


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev overload",
        description="Ask more of each lane in turn than it can do, and see that the rest is turned "
        "away, memory stays level, the other lane is not harmed and all recovers. Starts services "
        "and a fleet of its own. Exit code 1: a promise is broken; 2: a lane turned nothing away, "
        "so nothing was tried (raise --rate).",
    )
    parser.add_argument("--minutes", type=float, default=10.0,
                        help="of flood, half of it each lane (%(default)s)")
    parser.add_argument("--rate", type=float, default=1000.0,
                        help="requests a second of the flood (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep the fleet's logs here")
    return parser.parse_args()


def main() -> int:
    wanted = _arguments()
    with alone(wanted.keep) as (services, directory):
        from tests.support.chaos.overload import Extent, overload
        from tests.support.chaos.overload_table import as_json, as_markdown

        result = overload(services, directory, Extent(wanted.minutes * 30, rate=wanted.rate))
        print(as_markdown(result))
        if wanted.json:
            wanted.json.write_text(json.dumps(as_json(result), indent=2) + "\n")
        if result.all_wrong():
            return 1
        return 0 if result.overloaded() else 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StartError as error:
        say(f"./dev overload: {error}")
        sys.exit(1)
