"""A fleet under its real runner, on the tests' services, with a proxy before two of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from redis import Redis

from fleet.identity import ProcessIdentity
from fleet.layout import PROJECT, Layout
from fleet.ports import find_free_port
from fleet.processes import Spawned, spawn
from fleet.supervision.fleet import Fleet
from tests.support.api import Api
from tests.support.chaos.proxy import Dial
from tests.support.services import TestServices
from tests.support.waiting import eventually

KINDS = {
    "gunicorn master": ("web", False),
    "gunicorn worker": ("web", True),
    "users master": ("users", False),
    "users worker": ("users", True),
    "coupons master": ("coupons", False),
    "coupons worker": ("coupons", True),
    "scheduler": ("scheduler", False),
    "consumers": ("consumers", False),
}
"""Each kind of process: its program in the Procfile, and whether it is a child of that."""


@dataclass
class Stage:
    """What a fault may reach. ``database`` and ``redis`` are the dials of their proxies."""

    services: TestServices
    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    procfile: Path = PROJECT / "Procfile"

    def __post_init__(self) -> None:
        taken: set[int] = set()
        for _ in range(6):
            taken.add(find_free_port(taken))
        self.port, self.platform_port, *self._proxy_ports = taken
        self.layout = Layout(self.directory)
        self.fleet = Fleet(self.layout, self.procfile)
        self.api = Api(f"http://127.0.0.1:{self.port}")
        self.database = Dial(self._proxy_ports[1])
        self.redis = Dial(self._proxy_ports[3])
        self._proxies: list[Spawned] = []
        (self.layout.run / "prometheus").mkdir(exist_ok=True)

    def start(self) -> None:
        """Proxies, schema and fleet; returns once ``/readyz`` answers 200."""
        urls = self.services.urls
        for target, (listen, control), dial in (
            (urls.database, self._proxy_ports[:2], self.database),
            (urls.redis, self._proxy_ports[2:], self.redis),
        ):
            words = [str(listen), str(urlsplit(target).port), str(control)]
            self._proxies.append(
                spawn(
                    [sys.executable, "-m", "tests.support.chaos.proxy", *words],
                    self.layout.log / "proxy.log",
                    environment=self._environment(),
                    death_signal="KILL",
                    working_directory=PROJECT,
                )
            )
            eventually(dial.ready, 15, "the proxy takes orders")
        self.cli("migrate")
        self.start_fleet()

    def start_fleet(self) -> None:
        """The fleet alone: at first, and after it was stopped. Returns when it accepts."""
        # The payment provider's stand-in is left out: nobody is told of it.
        programs = [one for one in self.fleet.programs() if one.name != "payments"]
        self.fleet.start(programs, self._environment(), self.port, tied=True)
        self.fleet.await_ready(self.api.base)

    def end(self) -> None:
        """Whatever runs ends."""
        self.fleet.stop()
        for proxy in self._proxies:
            proxy.process.end(grace=5)

    def _environment(self) -> dict[str, str]:
        urls = self.services.urls
        programs = str(Path(sys.executable).parent)
        return {
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            "PORT": str(self.port),
            "DATA_PLATFORM_URL": f"http://127.0.0.1:{self.platform_port}",
            "DATA_PLATFORM_LATENCY": "0.2",
            "PROMETHEUS_MULTIPROC_DIR": str(self.layout.run / "prometheus"),
            **urls.environment(),
            "DATABASE_URL": _through(urls.database, self._proxy_ports[0]),
            "REDIS_URL": _through(urls.redis, self._proxy_ports[2]),
            **self.settings,
        }

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of the Flask CLI, past the proxies."""
        environment = {**self._environment(), **self.services.urls.environment()}
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "commands", *words],
            env=environment, cwd=PROJECT, text=True, capture_output=True, check=check, timeout=600,
        )

    # What a fault may do to processes.

    def pids(self, kind: str) -> list[int]:
        """The processes of a kind (see KINDS) that run now."""
        program, wants_children = KINDS[kind]
        return self.children(program) if wants_children else self._masters(program)

    def children(self, program: str) -> list[int]:
        """The worker processes of a program of the Procfile."""
        return [child for pid in self._masters(program) for child in _children(pid)]

    def _masters(self, program: str) -> list[int]:
        state = self.fleet.states().get(program)
        return [state.pid] if state is not None and state.pid is not None else []

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Signal a process of the fleet; one that has just ended is let be."""
        process = ProcessIdentity.of(pid)
        if process is not None:
            process.send(number)

    def healthy(self) -> bool:
        """Whether every process of the fleet runs and the front accepts."""
        states = self.fleet.states().values()
        return bool(states) and all(state.running for state in states) and self.api.ready()

    @contextmanager
    def slow_database(self, seconds: float, to: float) -> Iterator[None]:
        """Each of the database's answers to the fleet takes ``seconds`` longer, or up to ``to``."""
        self.database.set(latency=seconds, latency_to=to)
        try:
            yield
        finally:
            self.database.set(latency=0.0, latency_to=0.0)

    def flush_redis(self) -> None:
        """Empty all of Redis: locks, wakes, announcements, the ranking, Dramatiq's queues."""
        with Redis.from_url(self.services.urls.redis) as client:
            client.flushall()


@contextmanager
def staged(
    services: TestServices,
    directory: Path,
    settings: Mapping[str, str] | None = None,
    procfile: Path = PROJECT / "Procfile",
) -> Iterator[Stage]:
    """A stage with everything running, ended afterwards whatever happens."""
    stage = Stage(services, directory, settings or {}, procfile)
    try:
        stage.start()
        yield stage
    finally:
        stage.end()


def _through(url: str, port: int) -> str:
    """The same service behind another loopback port."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}".lstrip("@")))


def _children(pid: int) -> list[int]:
    """Those that do the work: multiprocessing's own helper is none of them."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has just ended
    return [child for child in found if "resource_tracker" not in _command(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
