"""What every service can do, and the life of one that runs as a plain process on loopback."""

import shutil
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from fleet.console import StartError, last_lines
from fleet.layout import Layout
from fleet.ports import PortBook, is_free
from fleet.processes import PidFile, Spawned, spawn

DeathSignal = Literal["TERM", "KILL"]
Role = Literal["database", "redis", "kafka"]


class Service(Protocol):
    """A service that can be started, stopped and harmed, wherever it runs."""

    @property
    def role(self) -> Role:
        """What the application uses it as."""
        ...

    @property
    def name(self) -> str:
        """What it is."""
        ...

    @property
    def url(self) -> str:
        """Its address in the form its environment variable takes; the same after a restart."""
        ...

    @property
    def port(self) -> int: ...

    @property
    def pid(self) -> int | None:
        """The process, or None while it does not run (or runs where its pid says nothing)."""
        ...

    def running(self) -> bool: ...

    def abandoned(self) -> bool:
        """It runs, but is on its way down with the process that it was tied to."""
        ...

    def ready(self) -> bool:
        """Whether it does its work just now; asks the service itself, within two seconds."""
        ...

    def start(self) -> None:
        """Start it, if it does not run yet, and wait until it is ready. Raises StartError."""
        ...

    def stop(self) -> None:
        """Let it end in order; its data are kept."""
        ...

    def kill(self) -> None:
        """SIGKILL: no time to write or say anything."""
        ...

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers, until `resume`."""
        ...

    def resume(self) -> None: ...

    def restart(self) -> None:
        """Stop in order and start again, on the same address with the same data."""
        ...

    def erase(self) -> None:
        """End it at once and delete its data; the next start begins empty."""
        ...


class LocalService(ABC):
    """A service run as one process of ours, with its data, log and port under one directory.

    Several objects, in several processes, may stand for the same instance: what runs is read from
    its pid file each time. Starting one instance twice at the same moment is the caller's to avoid.

    death_signal: sent to the service by the kernel when this process ends in any way; None lets it
    outlive this process.
    """

    role: ClassVar[Role]
    name: ClassVar[str]
    label: ClassVar[str]
    start_seconds: ClassVar[float] = 60
    stop_seconds: ClassVar[float] = 60

    def __init__(self, directory: Path, *, death_signal: DeathSignal | None = None) -> None:
        self.layout = Layout(directory.absolute())
        self.data = self.layout.data(self.name)
        self.log = self.layout.log / f"{self.name}.log"
        self._ports = PortBook(self.layout.ports)
        self._pid_file = PidFile(self.layout.run / f"{self.name}.pid")
        self._death_signal = death_signal

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def ready(self) -> bool: ...

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the first start needs; called before each, with the ports reserved."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @property
    def port(self) -> int:
        """The remembered port. Raises StartError before the first start."""
        port = self._ports.known(self.name)
        if port is None:
            raise StartError(f"{self.label} has never been started in {self.layout.base}")
        return port

    @property
    def pid(self) -> int | None:
        spawned = self._pid_file.read()
        return spawned.process.pid if spawned else None

    def running(self) -> bool:
        return self._pid_file.read() is not None

    def abandoned(self) -> bool:
        spawned = self._pid_file.read()
        return spawned is not None and spawned.abandoned()

    def start(self) -> None:
        spawned = self._pid_file.read()
        if spawned is not None and spawned.abandoned():
            self.stop()
            spawned = None
        if spawned is not None:
            return self._await_ready(spawned)
        for attempts_left in (2, 1, 0):
            self._reserve_ports()
            self._prepare()
            spawned = spawn(self._command(), self.log, death_signal=self._death_signal)
            self._pid_file.write(spawned)
            try:
                return self._await_ready(spawned)
            except StartError:
                # Between the search and the bind another program may have taken the port.
                if not attempts_left or all(map(is_free, self._own_ports())):
                    raise
        return None

    def stop(self) -> None:
        spawned = self._pid_file.read()
        if spawned is not None:
            spawned.process.end(self.stop_seconds)
        self._pid_file.clear()

    def kill(self) -> None:
        spawned = self._pid_file.read()
        if spawned is not None:
            spawned.process.send(signal.SIGKILL)
            spawned.process.wait(10)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def erase(self) -> None:
        self.kill()
        self._pid_file.clear()
        shutil.rmtree(self._erasable, ignore_errors=True)

    @property
    def _erasable(self) -> Path:
        return self.data

    def _signal(self, signal_number: int) -> None:
        spawned = self._pid_file.read()
        if spawned is None or not spawned.process.send(signal_number):
            raise ProcessLookupError(f"{self.label} does not run")

    def _reserve_ports(self) -> None:
        self._ports.reserve(self.name)

    def _own_ports(self) -> list[int]:
        return [self.port]

    def _await_ready(self, spawned: Spawned) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not self.ready():
            if not spawned.process.alive():
                raise StartError(self._failure("ended while starting"))
            if time.monotonic() > deadline:
                raise StartError(self._failure(f"is not ready after {self.start_seconds:.0f} s"))
            time.sleep(0.05)

    def _failure(self, what: str) -> str:
        return f"{self.label} {what}; the end of {self.log}:\n{last_lines(self.log)}"


def listening(port: int) -> bool:
    """Whether anything listens there: a cheap look before the service is asked properly."""
    return not is_free(port)
