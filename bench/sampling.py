"""CPU by kind of process, looked at every second. Every few seconds also memory and the processes
there are: for the one the kernel walks all pages of each, for the other we walk all of them.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import psutil

PYTHON_KINDS = frozenset({"web", "users", "coupons", "scheduler", "consumers"})
"""The fleet's own; the stand-in of the data platform is no part of it."""
GENERATOR = "load generator"
LONG_LOOK_EVERY = 5


@dataclass(slots=True)
class Usage:
    """Of one kind of process: CPU in percent of one core, and proportional memory in MB; its means
    over the first and the last quarter tell whether it grows."""

    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, float]:
        quarter = max(1, len(self.memory) // 4)
        return {
            "cpuMean": _mean(self.cpu),
            "cpuMost": max(self.cpu, default=0.0),
            "memoryMean": _mean(self.memory),
            "memoryMost": max(self.memory, default=0.0),
            "memoryFirst": _mean(self.memory[:quarter]),
            "memoryLast": _mean(self.memory[-quarter:]),
        }


Pids = Callable[[], Iterable[tuple[str, int]]]
"""Tells the processes that there are now: kind and pid of each; children count to their parent."""


class Sampler:
    """Samples from ``start`` to ``stop``, each second."""

    def __init__(self, pids: Pids) -> None:
        self._pids = pids
        self._known: dict[int, psutil.Process] = {}
        self._told: list[tuple[str, int]] = []
        self._watched: list[tuple[str, psutil.Process]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.usage: dict[str, Usage] = defaultdict(Usage)
        self.fleet_memory: list[float] = []
        self._looks = 0

    def __enter__(self) -> "Sampler":
        self._sample(first=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(1.0):
            self._sample()

    def _sample(self, first: bool = False) -> None:
        self._looks += 1
        weigh = self._looks % LONG_LOOK_EVERY == 2  # the first that counts, and then each fifth
        pids = list(self._pids())
        if first or weigh or pids != self._told:
            self._told, self._watched = pids, self._processes(pids)
        cpu: dict[str, float] = defaultdict(float)
        memory: dict[str, float] = defaultdict(float)
        for kind, process in self._watched:
            try:
                used = process.cpu_percent()
                held = process.memory_full_info().pss / 1e6 if weigh else 0.0
            except psutil.Error:
                continue  # it has just ended
            cpu[kind] += used
            memory[kind] += held
        if first:
            return  # a process's first figure has nothing to be compared with
        for kind, percent in cpu.items():
            self.usage[kind].cpu.append(percent)
        if not weigh:
            return
        for kind, megabytes in memory.items():
            self.usage[kind].memory.append(megabytes)
        self.fleet_memory.append(sum(memory[kind] for kind in PYTHON_KINDS & memory.keys()))

    def _processes(self, pids: Iterable[tuple[str, int]]) -> list[tuple[str, psutil.Process]]:
        found = []
        for kind, pid in pids:
            parent = self._process(pid)
            if parent is None:
                continue
            found.append((kind, parent))
            try:
                found += [
                    (kind, self._known.setdefault(child.pid, child))
                    for child in parent.children(recursive=True)
                ]
            except psutil.Error:
                continue
        return found

    def _process(self, pid: int) -> psutil.Process | None:
        if pid not in self._known:
            try:
                self._known[pid] = psutil.Process(pid)
            except psutil.Error:
                return None
        return self._known[pid]

    def as_json(self) -> dict[str, dict[str, float]]:
        return {kind: usage.as_json() for kind, usage in sorted(self.usage.items())}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
