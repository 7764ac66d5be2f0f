"""What is known of the fleet that runs in this checkout, across calls of the runner."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from fleet.console import StartError
from fleet.identity import ProcessIdentity
from fleet.layout import Layout
from fleet.processes import PidFile

Mode = Literal["run", "up"]


@dataclass(frozen=True)
class FleetRecord:
    """One start of the fleet.

    mode: in the foreground of a terminal (`run`), or in the background (`up`).
    runner: the process that began it; with `run` it lives as long as the fleet.
    deciding: the environment variables that decided which services it uses.
    """

    mode: Mode
    runner: ProcessIdentity
    port: int
    deciding: dict[str, str]

    def save(self, layout: Layout) -> None:
        _path(layout).write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, layout: Layout) -> "FleetRecord | None":
        """The fleet that runs or is being started, if there is one."""
        record = cls.last(layout)
        if record is None or record.runner.alive() or supervisor_file(layout).read():
            return record
        return None

    @classmethod
    def last(cls, layout: Layout) -> "FleetRecord | None":
        """As `load`; or else a fleet that ended without being stopped, its supervisor killed."""
        try:
            kept = json.loads(_path(layout).read_text())
            return cls(runner=ProcessIdentity(**kept.pop("runner")), **kept)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def forget(layout: Layout) -> None:
        _path(layout).unlink(missing_ok=True)


def supervisor_file(layout: Layout) -> PidFile:
    return PidFile(layout.run / "supervisor.pid")


@contextmanager
def sole_starter(layout: Layout) -> Iterator[None]:
    """Held while services or the fleet are started or stopped. Raises StartError if it is taken."""
    with (layout.run / "starter.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError("another ./dev is starting or stopping things here") from None
        yield


def _path(layout: Layout) -> Path:
    return layout.run / "fleet.json"
