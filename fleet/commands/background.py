"""`./dev up`, `./dev down` and `./dev services`: things that go on when the command has ended."""

import signal

from fleet.checkout import Checkout
from fleet.commands import starting
from fleet.console import StartError, say, step
from fleet.record import FleetRecord, sole_starter
from fleet.services.selection import left_running, stop_all
from fleet.supervision.fleet import readiness

# A foreground fleet finishes what it holds and stops its services within this time.
_RUN_ENDS_WITHIN = 120


def up(checkout: Checkout) -> int:
    active = FleetRecord.load(checkout.layout)
    if active is None or checkout.fleet.abandoned():
        started = starting.start(checkout, "up")
        say(f"up at {started.url}; logs in {checkout.layout.log}; ./dev down stops it")
        return 0
    url = f"http://127.0.0.1:{active.port}"
    if active.mode == "run":
        raise StartError(f"./dev run is active (pid {active.runner.pid}) at {url}")
    problem = readiness(url)
    if problem:
        raise StartError(f"already up at {url}, but not ready: {problem}")
    say(f"already up at {url}")
    return 0


def down(checkout: Checkout) -> int:
    """Stop the fleet and then the services, however they were started; data are kept."""
    stop_everything(checkout)
    say("down; data are kept")
    return 0


def stop_everything(checkout: Checkout) -> None:
    """Raises StartError if a `./dev run` in another terminal does not end."""
    active = FleetRecord.load(checkout.layout)
    services = checkout.services()
    if active is not None and active.mode == "run" and active.runner.alive():
        with step(f"asking ./dev run (pid {active.runner.pid}) to stop"):
            active.runner.send(signal.SIGTERM)
            if not active.runner.wait(_RUN_ENDS_WITHIN):
                raise StartError("./dev run does not end; see its terminal")
    with sole_starter(checkout.layout):
        running = left_running(checkout.layout.base, services)
        if checkout.fleet.running():
            with step("stopping the fleet; what is under way is finished first"):
                checkout.fleet.stop()
        if running:
            with step(f"stopping {', '.join(service.name for service in running)}"):
                stop_all(running)
        FleetRecord.forget(checkout.layout)


def services(checkout: Checkout) -> int:
    """Start only the services and leave them running; one `name url` line each."""
    chosen = checkout.services()
    if not all(one.running() and not one.abandoned() for one in chosen.own):
        with sole_starter(checkout.layout):
            chosen.prepare()
            with step("services"):
                chosen.start()
    for role, url in chosen.urls.by_role().items():
        print(f"{role} {url}")
    return 0
