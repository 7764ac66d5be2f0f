"""`./dev run`: the whole fleet for as long as this terminal wants it."""

import signal
import time

from fleet.checkout import Checkout
from fleet.commands import starting
from fleet.console import StartError, say, step
from fleet.record import FleetRecord

_AUTHORIZED = '-H "Authorization: Bearer $(./dev token --user 1)"'


def run(checkout: Checkout) -> int:
    active = FleetRecord.load(checkout.layout)
    if active is not None and not checkout.fleet.abandoned():
        raise StartError(
            f"the fleet already runs in the background at http://127.0.0.1:{active.port}; "
            "./dev down stops it"
            if active.mode == "up"
            else f"./dev run is already active (pid {active.runner.pid})"
        )
    started = starting.start(checkout, "run")
    try:
        print(_greeting(started.url), flush=True)
        say(f"logs in {checkout.layout.log}; Ctrl-C stops everything")
        _watch(checkout)
    except KeyboardInterrupt:
        return 0
    finally:
        # Once is enough: a second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("")
        with step("stopping; what is under way is finished first"):
            starting.stop(checkout, started.services)
    return 1


def _greeting(url: str) -> str:
    return "\n".join(
        [
            f"ready {url}",
            f"curl -s {url}/api/products",
            f"curl -s -X POST {_AUTHORIZED} -H 'Prefer: wait=5' {url}/api/coupons/1/issue",
            f"curl -s {_AUTHORIZED} '{url}/api/jobs?limit=1'",
        ]
    )


def _watch(checkout: Checkout) -> None:
    """Tell of processes that were started again; returns if the supervisor itself ends."""
    fleet = checkout.fleet
    known = {state.name: state.began for state in fleet.states().values()}
    while fleet.running():
        for state in fleet.states().values():
            if state.running and known.get(state.name) != state.began:
                log = checkout.layout.log / f"{state.name}.log"
                say(f"{state.name} ended and was started again; see {log}")
                known[state.name] = state.began
        time.sleep(0.5)
    say(f"the supervisor has ended; see {checkout.layout.log / 'supervisor.log'}")
