"""`./dev reset`: the development data are emptied."""

import sys

from fleet.checkout import Checkout
from fleet.commands.background import stop_everything
from fleet.console import StartError, say, step
from fleet.record import FleetRecord, sole_starter
from fleet.services import emptying
from fleet.services.selection import VARIABLES, forget_choice


def reset(checkout: Checkout, *, sure: bool, really: bool) -> int:
    """Stop what runs and delete its data; services given by URL are emptied only with `really`."""
    active = FleetRecord.load(checkout.layout)
    if active is not None and active.mode == "run" and active.runner.alive():
        raise StartError(f"./dev run is active (pid {active.runner.pid}); stop it first")
    services = checkout.services()
    own = ", ".join(service.name for service in services.own)
    for role in services.given:
        what = "will be emptied too" if really else "is left alone (--really empties it too)"
        say(f"{VARIABLES[role]} is set: that service {what}")
    if not own and not really:
        raise StartError("nothing here is ours to empty")
    if not sure and not _confirmed(f"Delete all development data ({own or 'by URL only'})?"):
        say("nothing was changed")
        return 1
    stop_everything(checkout)
    with sole_starter(checkout.layout), step("emptying"):
        for service in services.own:
            service.erase()
        if really:
            for role, url in services.given.items():
                emptying.empty(role, url, checkout.environment)
        forget_choice(checkout.layout.base)
    say("empty; ./dev run begins anew")
    return 0


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise StartError(f"{question} Say --yes: there is no terminal to ask at.")
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
