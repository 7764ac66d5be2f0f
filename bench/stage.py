"""Services and a fleet of the bench's own, in a directory of its own; gone when the bench is."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql
import urllib3

from fleet.checkout import Checkout, application, raise_open_files_limit
from fleet.commands import starting
from fleet.console import StartError
from fleet.layout import PROJECT, Layout
from fleet.ports import find_free_port
from fleet.record import FleetRecord
from fleet.services.selection import VARIABLES
from fleet.supervision.procfile import Program

LIMITS_DATABASE = "shop_limits"
"""Where limits are measured by SQL: a schema as the shop's, in the same server."""

_APART_REDIS = "/9"
"""The Redis database that goes with databases of the bench's own, so that what is said of theirs
(the ranking) does not stand where the shop's is; on the same server."""

PLATFORM_SECONDS = 2.0
"""What a call to the data platform takes while anything is measured; in between it is quick, so
that what is left does not weigh on the next measurement."""

# No user may be held up for asking too often: that is not what is measured, but the counting is.
_SETTINGS = {
    "BENCH_ROUTE": "true",
    "RATE_LIMIT_COMMANDS": "100000000 per minute",
    "RATE_LIMIT_READS": "100000000 per minute",
    "RATE_LIMIT_ADMIN": "100000000 per minute",
    "RATE_LIMIT_PUBLIC": "100000000 per minute",
    "LANE_MAX_QUEUED": "0",
    "LANE_MAX_AGE_SECONDS": "0",
    "DATA_PLATFORM_LATENCY": str(PLATFORM_SECONDS),
    "DATA_PLATFORM_FAILURE_RATE": "0",
}


class Stage:
    """What scenarios play on."""

    def __init__(self, directory: Path) -> None:
        self.checkout = Checkout(Layout(directory))
        self._pool = urllib3.PoolManager(retries=False, timeout=30)
        self._started: starting.Started | None = None
        self._tokens: dict[tuple[int, int, bool], Path] = {}
        environment = self.checkout.environment
        for name in VARIABLES.values():
            environment.pop(name, None)
        self.port = find_free_port()
        environment.update(_SETTINGS, PORT=str(self.port))
        self._ordinary = dict(environment)

    @property
    def directory(self) -> Path:
        return self.checkout.layout.base

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Erase what an earlier bench left, and start everything. Raises StartError."""
        if FleetRecord.load(self.checkout.layout) is not None:
            raise StartError(f"a bench is under way in {self.directory}")
        raise_open_files_limit()
        self.erase()
        self._started = starting.start(self.checkout, "run")
        self.service_pids = {
            one.name: one.pid for one in self.checkout.services().own if one.pid is not None
        }

    def end(self) -> None:
        """Stop and erase what was started here."""
        if self._started is not None:
            starting.stop(self.checkout, self._started.services)
            self.erase()

    def erase(self) -> None:
        for service in self.checkout.services().own:
            service.erase()

    @contextmanager
    def other_fleets(self) -> Iterator[Callable[..., None]]:
        """Call what this yields with settings, and with ``commands`` (by program, of those that
        the Procfile names), to start the fleet anew with these and no others; at the end it is the
        ordinary one again."""
        try:
            yield self._restart
        finally:
            self._restart()

    def _restart(self, commands: Mapping[str, str] | None = None, **settings: str) -> None:
        checkout = self.checkout
        checkout.environment = {**self._ordinary, **settings}
        checkout.fleet.stop()
        fleet = checkout.fleet_environment(checkout.services(), self.port)
        programs = [
            Program(one.name, (commands or {}).get(one.name, one.command))
            for one in checkout.programs()
        ]
        checkout.fleet.start(programs, fleet, self.port, tied=True)
        checkout.fleet.await_ready(self.url)

    def cli(self, *words: str, database: str | None = None, failing: bool = False) -> str:
        """What a command of the application writes. Raises StartError if it fails, unless
        ``failing`` is all right."""
        environment = self.checkout.command_environment(self.checkout.services())
        if database:
            server = environment["DATABASE_URL"].rpartition("/")[0]
            environment["DATABASE_URL"] = f"{server}/{database}"
            environment["REDIS_URL"] = self.apart_redis_url
        done = subprocess.run(
            application(words), cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )
        if done.returncode and not failing:
            raise StartError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def seed(self, *words: str, database: str | None = None) -> dict[str, Any]:
        """The ids that were made; ``seed --help`` says by which words."""
        made: dict[str, Any] = json.loads(self.cli("seed", "--json", *words, database=database))
        return made

    def settle(self) -> None:
        """Wait until the data platform has all orders. Raises StartError if that takes minutes."""
        deadline = time.monotonic() + 300
        while self.rows("SELECT 1 FROM order_exports WHERE pending_order_id IS NOT NULL LIMIT 1"):
            if time.monotonic() > deadline:
                raise StartError("the data platform does not get the orders")
            time.sleep(0.5)

    def _set_platform(self, seconds: float) -> None:
        # Again, where a kept connection was closed meanwhile.
        self._pool.request(
            "PUT", f"{self.platform_url}/settings", json={"latencySeconds": seconds}, retries=3
        )

    def audit(self, wait: int = 600) -> dict[str, Any]:
        """The auditor's report, after waiting so many seconds at most for what is under way; the
        data platform has all orders afterwards."""
        self._set_platform(0.0)
        told = self.cli("audit", "--json", "--wait", str(wait), failing=True)
        self.settle()
        self._set_platform(PLATFORM_SECONDS)
        report: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
        return report

    def tokens(self, first: int, count: int, admin: bool = False) -> Path:
        """A file of tokens, one a line, of so many users."""
        key = (first, count, admin)
        if key not in self._tokens:
            path = self.directory / "run" / f"tokens-{first}-{count}-{int(admin)}"
            scope = "--admin" if admin else "--payments"
            path.write_text(self.cli("token", scope, "--users", f"{first}-{first + count - 1}"))
            self._tokens[key] = path
        return self._tokens[key]

    def set_working(self, working: bool) -> None:
        """Let the workers work, or leave accepted jobs alone; returns once all have heard of it."""
        for lane in ("users", "coupons"):
            self.cli("controls", "set", f"lane.{lane}.paused", "off" if working else "on")
        if not working:
            time.sleep(1.5)  # every process follows within a second

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request by an admin. Raises StartError unless it is answered 2xx."""
        token = self.tokens(1, 1, admin=True).read_text().strip()
        answer = self._pool.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status >= 300:
            raise StartError(f"{method} {path} is answered {answer.status}: {answer.data!r}")
        return answer.json() if answer.data else None

    def get_text(self, url: str) -> str:
        return self._pool.request("GET", url).data.decode()

    def get_json(self, url: str) -> Any:
        return json.loads(self.get_text(url))

    @property
    def platform_url(self) -> str:
        return f"http://127.0.0.1:{self.checkout.stand_in_ports()['platform']}"

    def connect(self, database: str | None = None) -> "pymysql.Connection[Any]":
        """A plain connection that commits as it is told."""
        return connect(self.checkout.services().urls.database, database)

    def rows(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return list(cursor.fetchall())
        finally:
            connection.close()

    @property
    def apart_redis_url(self) -> str:
        """What commands with a database of the bench's own say to Redis, they say here."""
        return urlsplit(self.checkout.services().urls.redis)._replace(path=_APART_REDIS).geturl()

    def make_database(self, name: str) -> None:
        """Empty, with the shop's schema."""
        self.drop_database(name)
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        self.cli("migrate", database=name)

    def drop_database(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name}")

    def _execute(self, sql: str) -> None:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
        finally:
            connection.close()


def connect(url: str, database: str | None = None) -> "pymysql.Connection[Any]":
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=parts.username,
        password=parts.password or "", database=database or parts.path.strip("/"),
        ssl_disabled=True, charset="utf8mb4",
        init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    )


def own_directory() -> Path:
    """Apart from the development data; another for each bench that runs beside one."""
    return PROJECT / ".local" / os.environ.get("BENCH_DIRECTORY", "bench")  # or an absolute path
