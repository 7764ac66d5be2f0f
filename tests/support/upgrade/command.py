"""``./dev upgrade``: the release before this one and this one work beside each other, under load,
upgraded web first and workers first, and back again. Exit code 1: a promise is broken; 2: it could
not be run, because the earlier release is not in this clone."""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleet.console import StartError, say
from tests.support.services import TestServices, running_test_services
from tests.support.upgrade.releases import (
    NotInThisClone,
    Release,
    earlier_release,
    this_release,
)

BEFORE = "v0.1.0"
"""The release before this one."""


def main(words: Sequence[str]) -> int:
    options = _options(words)
    try:
        with tempfile.TemporaryDirectory(prefix="upgrade-") as scratch:
            old = earlier_release(options.from_, Path(scratch) / "old")
            with running_test_services(Path(scratch)) as services:
                return _run(options, services, old)
    except NotInThisClone as error:
        say(f"./dev upgrade: not run: {error}")
        return 2
    except StartError as error:
        say(f"./dev upgrade: {error}")
        return 1


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev upgrade", description=__doc__)
    parser.add_argument("--from", dest="from_", default=BEFORE, metavar="REF",
                        help="the tag or commit of the earlier release (%(default)s)")
    parser.add_argument("--minutes", type=float, default=8.0,
                        help="of load, for both orders together (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep all logs here")
    parser.add_argument("--record", type=Path, metavar="FILE",
                        help="instead of all that, write the rows that the earlier release leaves, "
                        "for the short test")
    return parser.parse_args(words)


def _run(options: argparse.Namespace, services: TestServices, old: Release) -> int:
    os.environ.update(services.urls.environment())
    from infra import runtime
    from tests.support.upgrade.play import play, record_rows
    from tests.support.upgrade.table import as_json, as_markdown

    runtime.start("upgrade")
    kept = options.keep or services.directory / "logs"
    if options.record:
        record_rows(services, kept, old, this_release(), options.record)
        return 0
    taken = play(services, kept, old, this_release(), options.minutes * 60)
    print(f"from {options.from_}, {options.minutes:g} minutes\n\n{as_markdown(taken)}")
    if options.json:
        options.json.write_text(json.dumps([as_json(one) for one in taken], indent=2) + "\n")
    return 1 if any(one.wrong for one in taken) else 0
