"""A stage for faults that need a fleet of their own kind.

Leases are short, the users' lane has a second worker, which knows a job that kills it, and each
process has a wall clock and a log of its own to be turned.
"""

import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet import packages
from fleet.layout import PROJECT
from fleet.supervision.procfile import Program, parse
from tests.support.chaos.stage import Stage, staged
from tests.support.services import TestServices

LEASE_SECONDS = 2.0
OUTBOX_ATTEMPTS = 2
_LAUNCH = Path(__file__).with_name("launch.sh")
_CLOCK = Path(__file__).with_name("wall_clock.c")
NOT_TURNED = "-"


@contextmanager
def stage_apart(services: TestServices, directory: Path) -> Iterator[Stage]:
    """Such a stage, running. Raises StartError where no C compiler can be had."""
    packages.ensure(["gcc"])
    turned = _turned(directory)
    turned.mkdir()
    library = turned / "wall_clock.so"
    compiler = packages.executable("gcc")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-o", library, _CLOCK],
        check=True,
    )
    programs = _programs()
    for program in programs:
        turn_clock(directory, program.name, 0)
        turn_log(directory, program.name, NOT_TURNED)
    procfile = directory / "Procfile"
    procfile.write_text("".join(f"{one.name}: {one.command}\n" for one in programs))
    settings = {
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "OUTBOX_ATTEMPTS": str(OUTBOX_ATTEMPTS),
        "TURNED": str(turned),
    }
    with staged(services, directory, settings, procfile) as stage:
        yield stage


def turn_clock(directory: Path, program: str, seconds: int) -> None:
    """Move a program's wall clock, at once."""
    path = _turned(directory) / f"{program}.clock"
    path.touch()
    with path.open("r+b") as file:  # in place: it is mapped
        file.write(struct.pack("=q", seconds))


def turn_log(directory: Path, program: str, path: str) -> None:
    """Where a program writes its log from its next start on."""
    (_turned(directory) / f"{program}.log").write_text(f"{path}\n")


def _turned(directory: Path) -> Path:
    return directory / "turned"


def _programs() -> list[Program]:
    """The project's own, with a second worker of the users' lane; those two know one kind more."""
    programs = parse((PROJECT / "Procfile").read_text())
    [users] = [one for one in programs if one.name == "users"]
    programs.append(Program("users2", users.command))
    return [
        Program(one.name, f"{_LAUNCH} {one.name} {_with_poison(one)}") for one in programs
    ]


def _with_poison(program: Program) -> str:
    if not program.name.startswith("users"):
        return program.command
    return program.command.replace("workers.main", "tests.support.chaos.poison_worker")

