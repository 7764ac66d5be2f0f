"""The switch: which guards this process goes without, as its environment says."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.guards.after_import import Change, change_after_import

REMOVED = "GUARD_REMOVED"
"""Names of guards, separated by commas."""
TRACE = "GUARD_TRACE"
"""A file in which each process notes, once, that it went without a guard where that would have
acted: a removal that never took effect proves nothing."""

PROJECT = Path(__file__).parents[3]
SITE = Path(__file__).parent / "site"

_noted: set[str] = set()


def environment(removed: tuple[str, ...], trace: Path) -> dict[str, str]:
    """What a process needs to begin without these guards."""
    return {
        REMOVED: ",".join(removed),
        TRACE: str(trace),
        "PYTHONPATH": os.pathsep.join([str(SITE), str(PROJECT)]),
    }


def apply() -> None:
    """Take away what the environment names, in this process and in all that its tests start."""
    from tests.support.guards.guards import GUARDS

    removed = [name for name in os.environ.get(REMOVED, "").split(",") if name]
    if not removed:
        return
    changes: dict[str, list[Change]] = {
        "tests.support.fleet": [lambda module: _hand_on(module.Fleet, "environment")],
        "tests.support.chaos.stage": [lambda module: _hand_on(module.Stage, "_environment")],
    }
    for name in removed:
        for module, change in GUARDS[name].changes:
            changes.setdefault(module, []).append(change)
    change_after_import(changes)


def note(guard: str) -> None:
    """Say that ``guard`` would have acted just now."""
    trace = os.environ.get(TRACE)
    if trace and guard not in _noted:
        _noted.add(guard)
        with Path(trace).open("a") as file:
            file.write(f"{guard}\n")


def traced(trace: Path) -> set[str]:
    """The guards whose absence was felt."""
    return set(trace.read_text().split()) if trace.exists() else set()


def _hand_on(owner: type, name: str) -> None:
    """Fleets give their processes an environment of their own: the switch belongs in it."""
    make = getattr(owner, name)

    def with_switch(self: object, *args: Any, **more: Any) -> Mapping[str, str]:
        kept = {one: os.environ[one] for one in (REMOVED, TRACE, "PYTHONPATH")}
        return {**make(self, *args, **more), **kept}

    setattr(owner, name, with_switch)
