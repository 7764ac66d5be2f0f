import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet import identity
from fleet.identity import ProcessIdentity
from fleet.processes import PidFile, Spawned, spawn


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


@pytest.fixture(params=["with process handles", "without"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also as on a system that has neither process handles nor /proc."""
    if request.param == "without":
        monkeypatch.delattr(os, "pidfd_open")
        monkeypatch.setattr(identity, "_beginning", identity._beginning_by_ps)


def identity_of(child: subprocess.Popen[bytes]) -> ProcessIdentity:
    found = ProcessIdentity.of(child.pid)
    assert found is not None
    return found


@pytest.mark.usefixtures("system")
def test_a_process_is_recognized_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    process = identity_of(sleeper)
    assert process.alive()
    assert not process.wait(0.05)

    assert process.send(signal.SIGKILL)

    # It is not reaped yet: a process that only waits for that has ended.
    assert process.wait(5)
    assert not process.alive()
    assert not process.send(signal.SIGKILL)
    assert ProcessIdentity.of(sleeper.pid) is None


@pytest.mark.usefixtures("system")
def test_another_process_of_the_same_pid_is_never_signalled(
    sleeper: subprocess.Popen[bytes],
) -> None:
    earlier = replace(identity_of(sleeper), began="some other time")

    assert not earlier.alive()
    assert not earlier.send(signal.SIGKILL)
    assert earlier.wait(0)
    assert sleeper.poll() is None


def test_a_process_that_will_not_end_is_killed() -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-uc", stubborn], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()

        identity_of(child).end(grace=0.2)

        assert child.wait(1) == -signal.SIGKILL


def test_a_stopped_process_can_be_ended(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)

    identity_of(sleeper).end(grace=5)

    assert sleeper.wait(1) == -signal.SIGTERM


def test_a_pid_file_forgets_a_process_that_has_ended(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    file = PidFile(tmp_path / "sleeper.pid")
    spawned = Spawned(identity_of(sleeper), owner=None)
    file.write(spawned)
    assert file.read() == spawned

    sleeper.kill()
    sleeper.wait()

    assert file.read() is None


@pytest.mark.parametrize("text", ["", "123", "{}", '{"process": {"pid": 1}}', "[]"])
def test_a_pid_file_that_makes_no_sense_names_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spoilt.pid"
    path.write_text(text)

    assert PidFile(path).read() is None


def test_a_tied_process_dies_with_the_one_that_started_it(tmp_path: Path) -> None:
    """Even if that one is killed, and started it in a thread that has long ended."""
    code = f"""
import threading, time
from pathlib import Path
from fleet.processes import spawn
def start():
    spawned = spawn(["sleep", "60"], Path({str(tmp_path)!r}) / "log", death_signal="KILL")
    print(spawned.process.pid, flush=True)
thread = threading.Thread(target=start)
thread.start()
thread.join()
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        child = ProcessIdentity.of(int(owner.stdout.readline()))
        assert child is not None
        time.sleep(0.3)
        assert child.alive()

        owner.kill()

        assert child.wait(5)


def test_an_abandoned_process_is_known_as_such(tmp_path: Path) -> None:
    spawned = spawn(["sleep", "60"], tmp_path / "log", death_signal="KILL")
    try:
        assert not spawned.abandoned()
        assert spawned.owner is not None
        assert replace(spawned, owner=replace(spawned.owner, began="earlier")).abandoned()
    finally:
        spawned.process.send(signal.SIGKILL)
