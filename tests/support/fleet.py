"""A whole fleet of the tests' own: the Procfile's processes, startable and killable one by one."""

import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from fleet.layout import PROJECT
from fleet.ports import find_free_port
from fleet.processes import Spawned, spawn
from fleet.supervision.procfile import parse
from tests.support.api import Api
from tests.support.services import TestServices
from tests.support.waiting import eventually

_LINES_SHOWN = 30
_READ_AT_THE_END = 64 * 1024


@dataclass
class Fleet:
    """Processes by name; a second one of a program is started under a name of its own."""

    services: TestServices
    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    source: Path = PROJECT
    """Whose programs these are: this release's, or those of an earlier one …"""
    python: Path = Path(sys.executable)
    """… which has a virtual environment of its own."""

    def __post_init__(self) -> None:
        self.port = find_free_port(set())
        self.platform_port = find_free_port({self.port})
        self._running: dict[str, Spawned] = {}
        self._commands = {
            one.name: one.command for one in parse((self.source / "Procfile").read_text())
        }
        self.api = Api(f"http://127.0.0.1:{self.port}")

    def environment(self, **more: str) -> dict[str, str]:
        programs = str(self.python.parent)
        metrics = self.directory / "prometheus"
        metrics.mkdir(exist_ok=True)
        return {
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(self.source),
            "PORT": str(self.port),
            "DATA_PLATFORM_URL": f"http://127.0.0.1:{self.platform_port}",
            "DATA_PLATFORM_LATENCY": "0.2",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            **self.services.urls.environment(),
            **self.settings,
            **more,
        }

    def start(self, *programs: str, **environment: str) -> None:
        """Start programs of the Procfile, or ``program#2`` for a second one."""
        for name in programs:
            words = shlex.split(self._commands[name.partition("#")[0]])
            self._running[name] = spawn(
                words,
                self.log(name),
                environment=self.environment(**environment),
                death_signal="KILL",
                working_directory=self.source,
            )

    def children(self, name: str) -> set[int]:
        """The pids of the processes that a program has started."""
        pid = self._running[name].process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def wait_ready(self) -> None:
        """Until the front answers that it can accept."""
        eventually(self.api.ready, 30, "the web process answers /readyz")

    def kill(self, name: str) -> None:
        """SIGKILL to the process and all that it started, at once."""
        os.killpg(self._running[name].process.pid, signal.SIGKILL)
        self._running.pop(name).process.wait(10)

    def pause(self, name: str) -> None:
        os.killpg(self._running[name].process.pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        os.killpg(self._running[name].process.pid, signal.SIGCONT)

    def stop(self, *names: str) -> None:
        """SIGTERM, and wait for an orderly end of 30 s at most; fails the test after that."""
        for name in names:
            self._running[name].process.send(signal.SIGTERM)
        for name in names:
            assert self._running.pop(name).process.wait(32), f"{name} did not stop on SIGTERM"

    def flush_redis(self) -> None:
        """Empty all of Redis: locks, wakes, announcements, the ranking."""
        with Redis.from_url(self.services.urls.redis) as client:
            client.flushall()

    def mend(self, *programs: str) -> None:
        """Bring the services and the fleet back to what a test begins with."""
        for service in (self.services.database, self.services.redis, self.services.kafka):
            service.resume() if service.running() else service.start()
        for name in [name for name in self._running if name not in programs]:
            self.kill(name)
        self.start(*[name for name in programs if name not in self._running])
        self.wait_ready()

    def end(self) -> None:
        """Whatever still runs ends now. A test that failed shows what the programs said last."""
        for log in sorted(self.directory.glob("*.log")):
            print(f"--- the end of {log.name}", *_last_lines(log), sep="\n")
        for name in list(self._running):
            try:
                self.kill(name)
            except ProcessLookupError:
                self._running.pop(name, None)

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of the Flask CLI, as ``./dev`` runs it."""
        return subprocess.run(
            [self.python, "-m", "flask", "--app", "commands", *words],
            env=self.environment(), cwd=self.source, text=True, capture_output=True, check=check,
            timeout=300,
        )

    def assert_audit_holds(self, wait: int = 60) -> None:
        """``audit`` finds every invariant to hold once the work under way has ended."""
        done = self.cli("audit", "--wait", str(wait), check=False)
        assert done.returncode == 0, f"audit: {done.returncode}\n{done.stdout}\n{done.stderr}"


def _last_lines(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _READ_AT_THE_END))
        return file.read().decode(errors="replace").splitlines()[-_LINES_SHOWN:]
