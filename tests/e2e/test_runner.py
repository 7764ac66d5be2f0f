"""`./dev up`, `run` and `down`, in a copy of this checkout: the whole fleet, as a person starts it.

The commands are called as ./dev calls them once .venv is filled.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet.identity import ProcessIdentity
from fleet.layout import PROJECT
from fleet.ports import find_free_port, is_free
from fleet.services import kafka_jars
from fleet.services.selection import DECIDING, MANNER

pytestmark = pytest.mark.timeout(300)

_NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".local", ".env", ".*_cache", "__pycache__")


class CheckoutCopy:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        shutil.copytree(PROJECT, directory, ignore=_NOT_COPIED)
        (directory / ".local" / "kafka").mkdir(parents=True)
        (directory / ".local" / "kafka" / "lib").symlink_to(kafka_jars.ensure())

    def start(self, *words: str) -> subprocess.Popen[str]:
        given = DECIDING - MANNER
        inherited = {name: value for name, value in os.environ.items() if name not in given}
        return subprocess.Popen(
            [sys.executable, "-m", "fleet", *words],
            cwd=self.directory,
            env={**inherited, "PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dev(self, *words: str) -> str:
        """What the command says, on both outputs; it must succeed."""
        with self.start(*words) as command:
            out, err = command.communicate(timeout=240)
        assert command.returncode == 0, out + err
        return out + err

    def first_lines(self, run: subprocess.Popen[str]) -> list[str]:
        """The three lines that follow `ready URL`, once the fleet is."""
        assert run.stdout is not None
        assert run.stderr is not None
        ready = run.stdout.readline()
        assert ready == f"ready {self.url}\n", run.stderr.read()
        return [run.stdout.readline() for _ in range(3)]

    def status(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in json.loads(self.dev("status", "--json"))}

    def scheduling(self, name: str) -> set[int]:
        """By which policies the processes of a program are scheduled, those that they started if
        there are such: a master only waits."""
        master = psutil.Process(self.status()[name]["pid"])
        working = master.children(recursive=True) or [master]
        return {os.sched_getscheduler(process.pid) for process in working}

    def processes(self) -> list[ProcessIdentity]:
        """All that status knows the pid of, which must all run. (In Docker, services have none.)"""
        pids = [entry["pid"] for entry in self.status().values() if entry["pid"] is not None]
        running = [process for process in map(ProcessIdentity.of, pids) if process is not None]
        assert len(running) == len(pids) >= 6
        return running


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[CheckoutCopy]:
    copy = CheckoutCopy(tmp_path / "checkout")
    yield copy
    copy.dev("reset", "--yes")


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.2)


def test_up_status_and_down(checkout: CheckoutCopy) -> None:
    assert f"up at {checkout.url}" in checkout.dev("up")

    status = checkout.status()
    kinds = {name: entry["kind"] for name, entry in status.items()}
    database = "mariadb" if "mariadb" in kinds else "mysql"
    assert kinds == {
        "web": "web",
        "users": "worker",
        "coupons": "worker",
        "scheduler": "scheduler",
        "consumers": "consumer",
        "platform": "platform",
        database: "service",
        "redis": "service",
        "kafka": "service",
    }
    assert all(entry["healthy"] for entry in status.values())
    assert status["web"]["port"] == checkout.port
    assert f"already up at {checkout.url}" in checkout.dev("up")
    # Whom all wait for interrupts the others, and no one else does (infra.runtime)
    ways = {name: checkout.scheduling(name) for name in ("web", "scheduler", "consumers", "users")}
    batch, other = {os.SCHED_BATCH}, {os.SCHED_OTHER}
    assert ways == {"web": batch, "scheduler": batch, "consumers": batch, "users": other}

    os.kill(status["users"]["pid"], signal.SIGKILL)
    until(lambda: checkout.status()["users"]["healthy"])
    assert checkout.status()["users"]["pid"] != status["users"]["pid"]

    everything = checkout.processes()
    assert "data are kept" in checkout.dev("down")
    assert not any(process.alive() for process in everything)
    assert is_free(checkout.port)


def test_run_ends_with_all_it_started(checkout: CheckoutCopy) -> None:
    with checkout.start("run") as run:
        curls = checkout.first_lines(run)
        everything = checkout.processes()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=90)

    assert all(line.startswith("curl ") for line in curls)
    assert run.returncode == 0
    assert not any(process.alive() for process in everything)


def test_a_run_that_was_killed_leaves_nothing_behind_and_can_be_followed(
    checkout: CheckoutCopy,
) -> None:
    with checkout.start("run") as run:
        checkout.first_lines(run)
        everything = checkout.processes()
        run.kill()
        run.communicate(timeout=90)

    # At once: what was left behind is still on its way down.
    checkout.dev("up")

    assert not any(process.alive() for process in everything)
    assert all(entry["healthy"] for entry in checkout.status().values())
