"""This checkout as the commands see it: its directories, environment, services and fleet."""

import os
import resource
import sys
from collections.abc import Sequence
from functools import cached_property

from fleet import environment
from fleet.console import StartError
from fleet.layout import DEVELOPMENT, Layout
from fleet.ports import PortBook, is_free
from fleet.record import FleetRecord
from fleet.services.base import DeathSignal
from fleet.services.selection import DECIDING, ServiceSet, select
from fleet.supervision.fleet import Fleet
from fleet.supervision.procfile import Program

_DEFAULT_PORT = 8000
_DEFAULT_PLATFORM_PORT = 8900


class Checkout:
    def __init__(self, layout: Layout = DEVELOPMENT) -> None:
        self.layout = layout
        self.environment = environment.effective(os.environ)
        self._ports = PortBook(layout.ports)

    @cached_property
    def fleet(self) -> Fleet:
        return Fleet(self.layout)

    def services(self, *, death_signal: DeathSignal | None = None) -> ServiceSet:
        """The services in use: a fleet that runs decides, before this call's environment does."""
        record = FleetRecord.load(self.layout)
        deciding = self.deciding() if record is None else record.deciding
        return select(self.layout.base, deciding, death_signal=death_signal)

    def deciding(self) -> dict[str, str]:
        """The variables of this environment by which services are chosen."""
        return {name: self.environment[name] for name in DECIDING & self.environment.keys()}

    def web_port(self) -> int:
        """PORT where it is set; otherwise 8000, or what was found free instead and remembered.

        Raises StartError if PORT is taken or is none.
        """
        wanted = self.environment.get("PORT")
        if wanted is None:
            return self._ports.reserve("web", prefer=_DEFAULT_PORT)
        if not wanted.isdecimal() or not 0 < int(wanted) < 65_536:
            raise StartError(f"PORT is {wanted!r}; it must be a number from 1 to 65535")
        if not is_free(int(wanted)):
            raise StartError(f"PORT {wanted} is taken by another program")
        return int(wanted)

    def programs(self) -> list[Program]:
        """The fleet's; without the stand-in where a real data platform is named."""
        return [
            program
            for program in self.fleet.programs()
            if program.kind != "platform" or self._wants_platform()
        ]

    def _wants_platform(self) -> bool:
        production = self.environment.get("APP_ENV") == "production"
        return not production and "DATA_PLATFORM_URL" not in self.environment

    def fleet_environment(self, services: ServiceSet, port: int) -> dict[str, str]:
        """What the fleet's processes inherit."""
        ours = self.command_environment(services)
        ours["PORT"] = str(port)
        ours["PROMETHEUS_MULTIPROC_DIR"] = str(self.layout.run / "prometheus")
        ours["PYTHONUNBUFFERED"] = "1"
        if self._wants_platform():
            platform_port = self._ports.reserve("platform", prefer=_DEFAULT_PLATFORM_PORT)
            ours["DATA_PLATFORM_URL"] = f"http://127.0.0.1:{platform_port}"
        return ours

    def command_environment(self, services: ServiceSet | None = None) -> dict[str, str]:
        """What a command of the application inherits."""
        return {**self.environment, **(services.urls.environment() if services else {})}

    def platform_port(self) -> int | None:
        return self._ports.known("platform") if self._wants_platform() else None


def application(words: Sequence[str]) -> list[str]:
    """The application's own command line."""
    return [sys.executable, "-m", "flask", "--app", "commands", *words]


def raise_open_files_limit() -> None:
    """As far as the system allows without asking: each waiting client holds a connection open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
