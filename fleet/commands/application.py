"""`./dev <anything else>`: the application's own commands, with the services they need."""

import os
import signal
import subprocess
from collections.abc import Sequence

from fleet.checkout import Checkout, application
from fleet.console import step
from fleet.record import sole_starter
from fleet.services.selection import stop_all

_NEED_NO_SERVICE = {"token", "openapi", "settings", "--help", "--version"}


def needs_services(words: Sequence[str]) -> bool:
    return bool(words) and words[0] not in _NEED_NO_SERVICE and "--help" not in words


def run(checkout: Checkout, words: Sequence[str]) -> int:
    """Become the command; or, where services had to be started for it, wait for it and stop them.

    Returns its exit status.
    """
    command = application(words)
    if not needs_services(words):
        os.execve(command[0], command, checkout.command_environment())  # noqa: S606
    services = checkout.services(death_signal="TERM")
    if all(one.running() and not one.abandoned() for one in services.own):
        os.execve(command[0], command, checkout.command_environment(services))  # noqa: S606
    with sole_starter(checkout.layout):
        services.prepare()
        with step("services, for this command"):
            started = services.start()
    try:
        return _wait_for(command, checkout.command_environment(services))
    finally:
        with sole_starter(checkout.layout):
            stop_all(started)


def _wait_for(command: Sequence[str], environment: dict[str, str]) -> int:
    """The terminal sends Ctrl-C to the command too: it ends in its own way, and we after it."""
    with subprocess.Popen(command, env=environment) as child:
        while True:
            try:
                status = child.wait()
            except KeyboardInterrupt:
                child.send_signal(signal.SIGTERM)
                continue
            return status if status >= 0 else 128 - status
