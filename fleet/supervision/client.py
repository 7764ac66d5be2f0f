"""Talking to the running supervisor over its unix socket."""

import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport


class SupervisorAway(Exception):
    """No supervisor answers."""


@dataclass(frozen=True)
class ProcessState:
    """As the supervisor sees a program; `began` (seconds since the epoch) tells two runs apart."""

    name: str
    state: str
    pid: int | None
    began: int
    problem: str

    @property
    def running(self) -> bool:
        return self.state == "RUNNING"


class SupervisorClient:
    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def states(self) -> dict[str, ProcessState]:
        """Raises SupervisorAway."""
        told = self._call("getAllProcessInfo")
        return {
            one["name"]: ProcessState(
                name=one["name"],
                state=one["statename"],
                pid=one["pid"] or None,
                began=one["start"],
                problem=one["spawnerr"],
            )
            for one in told
        }

    def stop(self, name: str) -> None:
        """Stop a program in order and leave it stopped. Raises SupervisorAway."""
        self._call("stopProcess", name)

    def start(self, name: str) -> None:
        """Start a program that was stopped. Raises SupervisorAway."""
        self._call("startProcess", name)

    def _call(self, method: str, *arguments: str) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, xmlrpc.client.Error) as error:
            raise SupervisorAway(str(error)) from error
        finally:
            transport.close()
