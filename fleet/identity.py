"""Which process is meant: recognized and signalled across several calls of the runner.

A pid alone names nothing: it is given to another process once its owner has ended. So a process is
remembered with the moment it began, and is only ever signalled after both were compared.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, told from a later one of the same pid by when it began."""

    pid: int
    began: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The process that has this pid now, or None; one that only waits to be reaped is gone."""
        began = _beginning(pid)
        identity = cls(pid, began or "")
        return identity if identity.alive() else None

    @classmethod
    def of_this_process(cls) -> "ProcessIdentity":
        return cls(os.getpid(), _beginning(os.getpid()) or "")

    def alive(self) -> bool:
        with self._pinned() as pinned:
            return pinned is not None

    def send(self, signal_number: int) -> bool:
        """Signal this very process; False if it has ended, whoever has its pid by now."""
        with self._pinned() as pinned:
            if pinned is None:
                return False
            try:
                pinned.send(signal_number)
            except ProcessLookupError:
                return False
            return True

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False if it still runs after so many seconds."""
        with self._pinned() as pinned:
            return pinned is None or pinned.ends_within(seconds)

    def end(self, grace: float) -> None:
        """Ask it to stop, and insist after `grace` seconds."""
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)
        if not self.wait(grace):
            self.send(signal.SIGKILL)
            self.wait(10)

    @contextmanager
    def _pinned(self) -> Iterator["_Pinned | None"]:
        """This process, or None if it has ended, all its threads and not just the first.

        (Until all have, its ports and files are held.)
        """
        try:
            pinned = _PidHandle(self.pid) if hasattr(os, "pidfd_open") else _BarePid(self)
        except ProcessLookupError:
            yield None
            return
        try:
            same = _beginning(self.pid) == self.began
            yield pinned if same and not pinned.ends_within(0) else None
        finally:
            pinned.close()


class _Pinned(Protocol):
    def send(self, signal_number: int) -> None: ...
    def ends_within(self, seconds: float) -> bool: ...
    def close(self) -> None: ...


class _PidHandle:
    """Linux's handle: means one process, whatever becomes of its pid."""

    def __init__(self, pid: int) -> None:
        self._handle = os.pidfd_open(pid)

    def send(self, signal_number: int) -> None:
        signal.pidfd_send_signal(self._handle, signal_number)

    def ends_within(self, seconds: float) -> bool:
        watch = select.poll()
        watch.register(self._handle, select.POLLIN)
        return bool(watch.poll(seconds * 1000))

    def close(self) -> None:
        os.close(self._handle)


class _BarePid:
    """Where there are no handles: looks again and again, and signals by number."""

    def __init__(self, identity: ProcessIdentity) -> None:
        self._identity = identity

    def send(self, signal_number: int) -> None:
        os.kill(self._identity.pid, signal_number)

    def ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while _beginning_by_ps(self._identity.pid) is not None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        return True

    def close(self) -> None:
        pass


def _beginning(pid: int) -> str | None:
    """A text that no other process of this pid shares, or None if there is none."""
    if not Path("/proc/self/stat").exists():
        return _beginning_by_ps(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything; fields are counted after it (proc(5), field 22).
    ticks_since_boot = text.rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{ticks_since_boot}"


def _beginning_by_ps(pid: int) -> str | None:
    told = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, began = told.stdout.strip().partition(" ")
    return None if not began or state.startswith("Z") else began.strip()
