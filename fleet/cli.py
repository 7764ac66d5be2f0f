"""What is typed after `./dev`, given to the command it names."""

import argparse
import signal
from collections.abc import Sequence
from types import FrameType

from fleet import load
from fleet.checkout import Checkout
from fleet.commands import application, background, reset, run, status, tests, vulnerabilities
from fleet.console import StartError, say

_OVERVIEW = """\
./dev run                  everything, until Ctrl-C
./dev test [fast] [...]    every test, or unit and integration only; further words go to pytest
./dev chaos [--minutes N]  break everything under load, and see that nothing is lost
./dev overload [--minutes N]
                           more load than can be done, lane by lane; memory, 503s and recovery
./dev vulnerabilities      known vulnerabilities of the pinned libraries
./dev up | down            the same fleet in the background | stopped, data kept
./dev upgrade [--from REF] the release before this one and this one beside each other, under load
./dev guards [GUARD ...]   take one guard away at a time, and see that the tests notice
./dev bench [SCENARIO ...] measure throughput and latency beside the machine's limits
./dev status [--json]      a line per process and service
./dev services             only the database, Redis and Kafka, left running; prints their URLs
./dev reset [--yes]        empty the development data
./dev k6 SCRIPT [...]      a load script; further words go to `k6 run`

Anything else is a command of the application:
"""


def main(words: Sequence[str]) -> int:
    # Named too: a shell without job control starts what it puts into the background deaf to it.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return _dispatch(list(words))
    except StartError as error:
        say(f"./dev: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Being asked to end is like Ctrl-C: what was started is stopped in order."""
    raise KeyboardInterrupt


def _dispatch(words: list[str]) -> int:
    command, rest = (words[0], words[1:]) if words else ("--help", [])
    if command in _OWN:
        return _own(command, rest)
    if command == "--help":
        print(_OVERVIEW, flush=True)
    return application.run(Checkout(), [command, *rest])


def _own(command: str, rest: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"./dev {command}", description=_OWN[command])
    if command == "test":
        # pytest's own --help is the useful one.
        return tests.test(Checkout(), rest)
    if command == "chaos":
        return tests.chaos(Checkout(), rest)
    if command == "upgrade":
        return tests.upgrade(Checkout(), rest)
    if command == "overload":
        return tests.overload(Checkout(), rest)
    if command == "vulnerabilities":
        return vulnerabilities.vulnerabilities(parser.parse_known_args(rest)[1])
    if command == "guards":
        return tests.guards(Checkout(), rest)
    if command == "bench":
        return tests.bench(Checkout(), rest)
    if command == "k6":
        return load.k6(Checkout(), rest)
    if command == "status":
        parser.add_argument("--json", action="store_true", help="as a JSON list")
    if command == "reset":
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--really", action="store_true", help="empty services given by URL too")
    options = parser.parse_args(rest)
    checkout = Checkout()
    if command == "status":
        return status.status(checkout, as_json=options.json)
    if command == "reset":
        return reset.reset(checkout, sure=options.yes, really=options.really)
    simple = {
        "run": run.run,
        "up": background.up,
        "down": background.down,
        "services": background.services,
    }
    return simple[command](checkout)


_OWN = {
    "run": "Set up what is missing and run the whole fleet until Ctrl-C.",
    "up": "Start the fleet in the background; returns when it is ready.",
    "down": "Stop the fleet and the services; data are kept.",
    "status": "A line per process and service.",
    "reset": "Empty the development data.",
    "services": "Start only the database, Redis and Kafka, and print their URLs.",
    "test": "Run the tests.",
    "chaos": "Break everything, under load, and see that nothing is lost or done twice.",
    "upgrade": "Run the release before this one and this one beside each other, under load.",
    "overload": "More load than can be done: memory, 503s, the other lane, the recovery.",
    "vulnerabilities": "Known vulnerabilities of the pinned libraries; exit code 0: none, 1: some, "
    "2: not known. Further words go to pip-audit.",
    "guards": "Take one guard away at a time, and see that the tests notice.",
    "bench": "Measure throughput and latency beside the machine's limits.",
    "k6": "Run a load script against the fleet.",
}
