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
_DEFAULT_PAYMENTS_PORT = 8901


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
        """The fleet's; without the stand-ins that are not wanted."""
        wanted = {"platform": self._wants_platform(), "payments": self._wants_payments()}
        return [one for one in self.fleet.programs() if wanted.get(one.name, True)]

    def _wants_platform(self) -> bool:
        """Unless a real data platform is named."""
        return not self._production() and "DATA_PLATFORM_URL" not in self.environment

    def _wants_payments(self) -> bool:
        """If asked for, and no real payment provider is named."""
        asked = self.environment.get("PAYMENT_PROVIDER", "").lower() in ("1", "true", "yes", "on")
        return asked and not self._production() and "PAYMENT_GATEWAY_URL" not in self.environment

    def _production(self) -> bool:
        return self.environment.get("APP_ENV") == "production"

    def fleet_environment(self, services: ServiceSet, port: int) -> dict[str, str]:
        """What the fleet's processes inherit."""
        ours = self.command_environment(services)
        ours["PORT"] = str(port)
        ours["PROMETHEUS_MULTIPROC_DIR"] = str(self.layout.run / "prometheus")
        ours["PYTHONUNBUFFERED"] = "1"
        if self._wants_platform():
            platform_port = self._ports.reserve("platform", prefer=_DEFAULT_PLATFORM_PORT)
            ours["DATA_PLATFORM_URL"] = f"http://127.0.0.1:{platform_port}"
        if self._wants_payments():
            payments_port = self._ports.reserve("payments", prefer=_DEFAULT_PAYMENTS_PORT)
            ours["PAYMENT_GATEWAY_URL"] = f"http://127.0.0.1:{payments_port}"
        return ours

    def command_environment(self, services: ServiceSet | None = None) -> dict[str, str]:
        """What a command of the application inherits."""
        return {**self.environment, **(services.urls.environment() if services else {})}

    def stand_in_ports(self) -> dict[str, int | None]:
        """Where the stand-ins listen, by program; None where none is known."""
        platform = self._ports.known("platform") if self._wants_platform() else None
        return {"platform": platform, "payments": self._ports.known("payments")}


def application(words: Sequence[str]) -> list[str]:
    """The application's own command line."""
    return [sys.executable, "-m", "flask", "--app", "commands", *words]


def raise_open_files_limit() -> None:
    """As far as the system allows without asking: each waiting client holds a connection open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
