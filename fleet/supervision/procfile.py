"""Reading a Procfile: one `name: command` a line, as honcho, foreman and Heroku take it."""

import re
from dataclasses import dataclass
from typing import Literal

from fleet.console import StartError

Kind = Literal["web", "worker", "scheduler", "consumer", "platform"]

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)")

# Any other name is a worker's, called after its lane.
_KINDS: dict[str, Kind] = {
    "web": "web",
    "scheduler": "scheduler",
    "consumers": "consumer",
    "platform": "platform",
    "payments": "platform",
}


@dataclass(frozen=True)
class Program:
    """One process of the fleet; `command` is a shell's, without pipes or lists."""

    name: str
    command: str

    @property
    def kind(self) -> Kind:
        return _KINDS.get(self.name, "worker")


def parse(text: str) -> list[Program]:
    """The programs in the order named. Raises StartError naming the line that is wrong."""
    programs: dict[str, Program] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise StartError(f"Procfile, line {number}: not of the form `name: command`: {line}")
        if found["name"] in programs:
            raise StartError(f"Procfile, line {number}: {found['name']} is named twice")
        programs[found["name"]] = Program(found["name"], found["command"])
    if not programs:
        raise StartError("the Procfile names no process")
    return list(programs.values())
