"""The fleet as a whole: started under the supervisor, watched until it is ready, stopped."""

import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from fleet.console import StartError, last_lines
from fleet.identity import ProcessIdentity
from fleet.layout import PROJECT, Layout
from fleet.processes import spawn
from fleet.record import supervisor_file
from fleet.supervision import config
from fleet.supervision.client import ProcessState, SupervisorAway, SupervisorClient
from fleet.supervision.procfile import Program, parse

_READY_SECONDS = 90

# A process that was started more often than this meanwhile will not come up by itself.
_STARTS_ALLOWED = 3

# Loopback is reached directly, whatever proxy the environment names.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Fleet:
    def __init__(self, layout: Layout, procfile: Path = PROJECT / "Procfile") -> None:
        self._layout = layout
        self._procfile = procfile
        self._client = SupervisorClient(config.socket_path(layout))
        self._pid_file = supervisor_file(layout)

    def programs(self) -> list[Program]:
        """Raises StartError where the Procfile is missing or wrong."""
        try:
            return parse(self._procfile.read_text())
        except FileNotFoundError:
            raise StartError(f"{self._procfile} is missing") from None

    def running(self) -> bool:
        return self._pid_file.read() is not None

    def abandoned(self) -> bool:
        """It was started in the foreground, and what started it is gone."""
        spawned = self._pid_file.read()
        return spawned is not None and spawned.abandoned()

    def supervisor(self) -> ProcessIdentity | None:
        spawned = self._pid_file.read()
        return spawned.process if spawned else None

    def states(self) -> dict[str, ProcessState]:
        """By name; empty while no supervisor answers."""
        try:
            return self._client.states()
        except SupervisorAway:
            return {}

    def stop_program(self, name: str) -> None:
        """Let one process finish what it holds, and leave it stopped. Raises SupervisorAway."""
        self._client.stop(name)

    def start_program(self, name: str) -> None:
        """Start it again. Raises SupervisorAway."""
        self._client.start(name)

    def start(
        self, programs: list[Program], environment: Mapping[str, str], port: int, *, tied: bool
    ) -> None:
        """Start the supervisor with these programs.

        environment: what they all inherit.
        tied: they end with this process, however that ends.
        """
        metrics = Path(environment["PROMETHEUS_MULTIPROC_DIR"])
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        ties = shutil.which("setpriv") is not None
        file = config.write(programs, self._layout, port, death_signal=ties)
        spawned = spawn(
            [sys.executable, "-m", "fleet.supervision.supervisord", "-c", str(file)],
            self._layout.log / "supervisor.out",
            environment=environment,
            death_signal="TERM" if tied else None,
            working_directory=PROJECT,
        )
        self._pid_file.write(spawned)

    def await_ready(self, url: str) -> None:
        """Wait until every process stays up and `/readyz` answers 200.

        Raises StartError saying what is in the way.
        """
        deadline = time.monotonic() + _READY_SECONDS
        starts: dict[str, set[int]] = {}
        answer = "no answer yet"
        while time.monotonic() < deadline:
            if not self.running():
                log = self._layout.log / "supervisor.out"
                raise StartError(f"the supervisor ended; the end of {log}:\n{last_lines(log)}")
            states = self.states().values()
            for state in states:
                starts.setdefault(state.name, set()).add(state.began)
                if len(starts[state.name]) > _STARTS_ALLOWED:
                    raise StartError(self._cannot_start(state))
            answer = readiness(url)
            if not answer and states and all(state.running for state in states):
                return
            time.sleep(0.1)
        raise StartError(f"not ready after {_READY_SECONDS} s: {answer or 'processes come and go'}")

    def _cannot_start(self, state: ProcessState) -> str:
        log = self._layout.log / f"{state.name}.log"
        reason = f" ({state.problem})" if state.problem else ""
        return f"{state.name} cannot start{reason}; the end of {log}:\n{last_lines(log)}"

    def stop(self) -> None:
        """Let every process finish what it holds (30 s at most), then end the supervisor."""
        supervisor = self.supervisor()
        if supervisor is not None:
            supervisor.end(grace=60)
        self._pid_file.clear()


def readiness(url: str) -> str:
    """Empty if `/readyz` answers 200, else what it said instead."""
    try:
        with _direct.open(f"{url}/readyz", timeout=2):
            return ""
    except urllib.error.HTTPError as error:
        return f"/readyz answers {error.code}: {error.read(500).decode('utf-8', 'replace')}"
    except OSError as error:
        return f"/readyz does not answer: {error}"


def alive(url: str) -> bool:
    try:
        with _direct.open(f"{url}/healthz", timeout=2):
            return True
    except OSError:
        return False
