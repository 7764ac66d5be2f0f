"""Bringing the whole fleet up, in the foreground or the background."""

import subprocess
import time
from dataclasses import dataclass

from fleet.checkout import Checkout, application, raise_open_files_limit
from fleet.console import StartError, last_lines, say, step
from fleet.identity import ProcessIdentity
from fleet.ports import is_free
from fleet.record import FleetRecord, Mode, sole_starter
from fleet.services.base import Service
from fleet.services.selection import ServiceSet, stop_all
from fleet.supervision.config import STOP_SECONDS


@dataclass(frozen=True)
class Started:
    """url: where the web answers. services: those that were started here."""

    url: str
    services: list[Service]


def start(checkout: Checkout, mode: Mode) -> Started:
    """Services, schema, demo shop, fleet: all that is missing, until `/readyz` answers 200.

    The caller has made sure that no fleet runs. Raises StartError, after undoing what it began.
    """
    raise_open_files_limit()
    tied = mode == "run"
    with sole_starter(checkout.layout):
        _sweep(checkout)
        port = checkout.web_port()
        services = checkout.services(death_signal="TERM" if tied else None)
        record = FleetRecord(mode, ProcessIdentity.of_this_process(), port, checkout.deciding())
        record.save(checkout.layout)
        started: list[Service] = []
        try:
            services.prepare()
            with step("services"):
                started = services.start()
            _prepare_data(checkout, services)
            url = f"http://127.0.0.1:{port}"
            with step("fleet"):
                environment = checkout.fleet_environment(services, port)
                checkout.fleet.start(checkout.programs(), environment, port, tied=tied)
                checkout.fleet.await_ready(url)
        except BaseException:
            if started or checkout.fleet.running():
                say("stopping what was started …")
            stop(checkout, started)
            raise
        return Started(url, started)


def stop(checkout: Checkout, services: list[Service]) -> None:
    """The fleet, then these services."""
    checkout.fleet.stop()
    stop_all(services)
    FleetRecord.forget(checkout.layout)


def _sweep(checkout: Checkout) -> None:
    """What a runner or supervisor that was killed leaves is on its way down: let it get there."""
    if checkout.fleet.abandoned():
        with step("stopping what a killed run left behind"):
            checkout.fleet.stop()
    last = FleetRecord.last(checkout.layout)
    if last is not None and not is_free(last.port):
        with step(f"waiting for the killed fleet's web to finish (port {last.port})"):
            deadline = time.monotonic() + STOP_SECONDS
            while not is_free(last.port) and time.monotonic() < deadline:
                time.sleep(0.1)
    FleetRecord.forget(checkout.layout)


def _prepare_data(checkout: Checkout, services: ServiceSet) -> None:
    with step("schema"):
        _application(checkout, services, "migrate")
    with step("demo shop"):
        _application(checkout, services, "seed", "--demo")


def _application(checkout: Checkout, services: ServiceSet, *words: str) -> None:
    log_path = checkout.layout.log / f"{words[0]}.log"
    with log_path.open("wb") as log:
        done = subprocess.run(
            application(words),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=checkout.command_environment(services),
            check=False,
        )
    if done.returncode:
        raise StartError(
            f"./dev {' '.join(words)} failed; the end of {log_path}:\n{last_lines(log_path)}"
        )
