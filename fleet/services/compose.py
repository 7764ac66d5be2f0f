"""The services in containers of Docker Compose, one project a base directory."""

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet.console import StartError
from fleet.layout import PROJECT, Layout
from fleet.packages import find
from fleet.ports import PortBook
from fleet.services.base import Role
from fleet.services.checks import database_answers, kafka_cluster, redis_process

COMPOSE_FILE = PROJECT / "docker-compose.yml"
_START_SECONDS = 180


@dataclass(frozen=True)
class _Kind:
    name: str
    container_port: int
    port_variable: str
    url: str
    answers: Callable[[str], object]


_KINDS: dict[Role, _Kind] = {
    "database": _Kind(
        "mysql",
        3306,
        "DATABASE_PORT",
        "mysql://shop:shop@127.0.0.1:{port}/shop",
        database_answers,
    ),
    "redis": _Kind("redis", 6379, "REDIS_PORT", "redis://127.0.0.1:{port}/0", redis_process),
    "kafka": _Kind("kafka", 9092, "KAFKA_PORT", "127.0.0.1:{port}", kafka_cluster),
}


def works() -> bool:
    """Whether there is an engine to talk to, and the Compose plugin to do it with."""
    if find("docker") is None:
        return False
    return all(_succeeds(["docker", *words]) for words in (["compose", "version"], ["info"]))


def _succeeds(command: list[str]) -> bool:
    try:
        return (
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=20,
                check=False,
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


class ComposeService:
    """One container. Docker keeps it running when this process ends, however that ends."""

    def __init__(self, role: Role, directory: Path) -> None:
        self.role = role
        self._kind = _KINDS[role]
        self.name = self._kind.name
        self._layout = Layout(directory.absolute())
        self._ports = PortBook(self._layout.ports)
        digest = hashlib.sha256(os.fsencode(self._layout.base)).hexdigest()[:8]
        self._project = f"shop-{digest}"

    @property
    def url(self) -> str:
        return self._kind.url.format(port=self.port)

    @property
    def port(self) -> int:
        return self._ports.known(self._port_name) or self._ports.reserve(self._port_name)

    @property
    def _port_name(self) -> str:
        return f"docker-{self.name}"

    @property
    def pid(self) -> int | None:
        """None: the process belongs to the engine, maybe on another machine's kernel."""
        return None

    def running(self) -> bool:
        listed = self._compose("ps", "--status", "running", "--quiet", self.name)
        return bool(listed.strip())

    def abandoned(self) -> bool:
        return False

    def ready(self) -> bool:
        return bool(self._kind.answers(self.url))

    def start(self) -> None:
        if not self.running():
            # A stopped container holds no port, so that the remembered one may have been taken.
            self._ports.reserve(self._port_name)
        with self._alone():
            self._compose("up", "--detach", "--no-recreate", self.name)
        deadline = time.monotonic() + _START_SECONDS
        while not self.ready():
            if time.monotonic() > deadline:
                logs = self._compose("logs", "--tail", "15", self.name)
                raise StartError(f"{self.name} (Docker) is not ready; its last lines:\n{logs}")
            time.sleep(0.5)

    def stop(self) -> None:
        self._compose("stop", self.name)

    def kill(self) -> None:
        self._compose("kill", self.name)

    def pause(self) -> None:
        self._compose("pause", self.name)

    def resume(self) -> None:
        self._compose("unpause", self.name)

    def restart(self) -> None:
        self._compose("restart", self.name)
        self.start()

    def erase(self) -> None:
        self._compose("rm", "--force", "--stop", "--volumes", self.name)
        volume = f"{self._project}_{self.name}-data"
        _docker(["volume", "rm", "--force", volume], dict(os.environ))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two `up` at once would both create the project's network."""
        with (self._layout.run / "compose.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _compose(self, *words: str) -> str:
        """Run `docker compose ...` for the project and return its output. Raises StartError."""
        ports = {
            kind.port_variable: str(self._ports.known(f"docker-{kind.name}") or "")
            for kind in _KINDS.values()
        }
        command = ["compose", "--project-name", self._project, "--file", str(COMPOSE_FILE), *words]
        return _docker(command, {**os.environ, **ports})


def _docker(words: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["docker", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise StartError(f"docker {' '.join(words)} failed:\n{done.stderr.strip()}")
    return done.stdout
