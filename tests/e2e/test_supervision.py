"""The supervisor with a fleet of small programs: what it restarts, and what it never leaves."""

import http.client
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.console import StartError
from fleet.environment import effective
from fleet.identity import ProcessIdentity
from fleet.layout import Layout
from fleet.ports import find_free_port
from fleet.supervision.fleet import Fleet

# It answers with the pid of its master; a body of some chunks, so that an answer can be cut off.
WEB = """
import os, time

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    def body():
        yield f"{os.getppid()} ".encode()
        time.sleep(0.02)
        yield b"whole"
    return body()
"""

# A master with one child that would outlive it, as the masters of worker processes are.
LANE = """
import os, signal, subprocess, sys, time

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
signal.signal(signal.SIGTERM, lambda *_: (child.terminate(), sys.exit(0)))
while True:
    time.sleep(0.1)
"""


class Small:
    """A fleet of a web and a lane, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.layout = Layout(directory / "local")
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (directory / "small_web.py").write_text(WEB)
        (directory / "lane.py").write_text(LANE)
        (directory / "Procfile").write_text(
            f"web: gunicorn --bind fd://0 --workers 2 --pythonpath {directory} small_web:app\n"
            f"lane: {sys.executable} {directory / 'lane.py'}\n"
        )
        self.fleet = Fleet(self.layout, directory / "Procfile")

    def start(self) -> None:
        environment = effective(os.environ, self.directory / ".env")
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(self.directory / "prometheus")
        environment["GUNICORN_CMD_ARGS"] = "--no-control-socket"
        self.fleet.start(self.fleet.programs(), environment, self.port, tied=True)
        self.fleet.await_ready(self.url)

    def process(self, name: str) -> ProcessIdentity:
        pid = self.fleet.states()[name].pid
        assert pid is not None
        identity = ProcessIdentity.of(pid)
        assert identity is not None
        return identity

    def child_of_lane(self) -> ProcessIdentity | None:
        *_, last = (self.layout.log / "lane.log").read_text().splitlines()
        return ProcessIdentity.of(int(last.removeprefix("child ")))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    small = Small(tmp_path)
    yield small
    small.fleet.stop()


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGHUP])
def test_no_client_notices_a_restart_of_the_web(small: Small, signal_number: int) -> None:
    small.start()
    bodies: list[str] = []
    failures: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
            try:
                connection.request("GET", "/")
                bodies.append(connection.getresponse().read().decode())
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
            finally:
                connection.close()

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    until(lambda: bool(bodies))  # or the old master may have answered nobody
    before = len(bodies)
    small.process("web").send(signal_number)
    # All answered by the new workers, of a new master where the old one ended.
    time.sleep(1)
    until(lambda: len(bodies) > before + 200)
    over.set()
    for client in clients:
        client.join()

    assert failures == []
    assert all(body.endswith(" whole") for body in bodies)
    masters = {body.split()[0] for body in bodies}
    assert len(masters) == (2 if signal_number == signal.SIGTERM else 1)


def test_a_web_that_was_killed_refuses_nobody_while_it_comes_back(small: Small) -> None:
    small.start()
    old = small.process("web")

    old.send(signal.SIGKILL)

    until(lambda: not old.alive())
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    until(lambda: small.fleet.states()["web"].running)


def test_a_killed_process_is_started_again_and_its_children_are_not_left(small: Small) -> None:
    small.start()
    old, child = small.process("lane"), small.child_of_lane()
    assert child is not None

    old.send(signal.SIGKILL)

    until(lambda: small.fleet.states()["lane"].pid not in (None, old.pid))
    assert child.wait(5)
    until(lambda: small.child_of_lane() is not None)


def test_nothing_outlives_a_supervisor_that_was_killed(small: Small) -> None:
    small.start()
    supervisor = small.fleet.supervisor()
    child = small.child_of_lane()
    assert supervisor is not None
    assert child is not None
    programs = [small.process("web"), small.process("lane"), child]

    supervisor.send(signal.SIGKILL)

    assert supervisor.wait(5)
    assert all(program.wait(15) for program in programs)
    assert not small.fleet.running()


def test_stopping_ends_all_at_once(small: Small) -> None:
    small.start()
    programs = [small.process("web"), small.process("lane")]

    small.fleet.stop()

    assert not any(program.alive() for program in programs)
    assert not small.fleet.running()
    assert small.fleet.states() == {}


def test_a_process_that_cannot_start_is_named_with_its_last_words(small: Small) -> None:
    (small.directory / "lane.py").write_text("raise SystemExit('REDIS_URL: no such scheme')")

    with pytest.raises(StartError, match=r"(?s)^lane cannot start.*REDIS_URL: no such scheme"):
        small.start()


def test_a_web_that_is_not_ready_is_waited_for_and_then_named(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.supervision.fleet._READY_SECONDS", 4)
    (small.directory / "small_web.py").write_text(
        "def app(environ, start_response):\n"
        '    start_response("503 No", [])\n'
        '    return [b"alas"]\n'
    )

    with pytest.raises(StartError, match="not ready after 4 s: /readyz answers 503: alas"):
        small.start()
