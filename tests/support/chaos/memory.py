"""How much memory each process of a fleet holds, second by second, and whether it stays level."""

import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.chaos.stage import Stage

MEBIBYTE = 1024 * 1024
SECONDS_BETWEEN = 1.0
GROWTH_SHARE, GROWTH_LEAST = 0.05, 4 * MEBIBYTE
"""Level: over the last two thirds of a load, a line through the samples (least squares) rises by
less than a twentieth of what the process holds, or by less than four mebibytes."""


def proportional_set_size(pid: int) -> int | None:
    """The bytes that a process holds, shared pages by share (Pss); None once it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None  # it has just ended: nothing is mapped any more


def fleet_processes(stage: Stage) -> dict[str, int]:
    """Every process of the fleet by name: a program's own, and its children by number."""
    found: dict[str, int] = {}
    for program, state in stage.fleet.states().items():
        if state.pid is None:
            continue
        found[program] = state.pid
        children = sorted(_descendants(state.pid))
        found |= {f"{program} {number}": pid for number, pid in enumerate(children, 1)}
    return found


def service_processes(stage: Stage) -> dict[str, int]:
    services = (stage.services.database, stage.services.redis, stage.services.kafka)
    return {one.name: one.pid for one in services if one.pid is not None}


def _descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            found |= {child, *_descendants(child)}
    return found


@dataclass(frozen=True)
class Held:
    """What one process held while a load lasted, in bytes: at its beginning, at most, at its end,
    and by how much the line through its last two thirds rises over these."""

    began: int
    most: int
    ended: int
    growth: float

    @property
    def level(self) -> bool:
        return self.growth < max(GROWTH_LEAST, GROWTH_SHARE * self.ended)


class Memory:
    """Samples of the processes by name, from entering to leaving."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = processes
        self._samples: dict[str, list[tuple[float, int]]] = {name: [] for name in processes}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.is_set():
            for name, pid in self._processes.items():
                size = proportional_set_size(pid)
                if size is not None:
                    self._samples[name].append((time.monotonic(), size))
            self._over.wait(SECONDS_BETWEEN)

    def total(self, names: Mapping[str, int]) -> int:
        """What all of these held together when they held most, in bytes."""
        columns = zip(*([size for _, size in self._samples[name]] for name in names), strict=False)
        return max((sum(column) for column in columns), default=0)

    def held(self, name: str, began: float, ended: float) -> Held:
        """What ``name`` held between two monotonic times. Raises AssertionError without samples."""
        found = [one for one in self._samples[name] if began <= one[0] <= ended]
        assert len(found) > 2, f"{name} was not looked at"
        return held(found)


def held(samples: list[tuple[float, int]]) -> Held:
    """The same of samples, (seconds, bytes) each."""
    third = (samples[-1][0] - samples[0][0]) / 3
    last = [one for one in samples if one[0] >= samples[0][0] + third]
    times, sizes = [at for at, _ in last], [size for _, size in last]
    line = statistics.linear_regression(times, sizes)
    return Held(
        samples[0][1], max(size for _, size in samples), samples[-1][1],
        line.slope * (times[-1] - times[0]),
    )
