"""What a run of the generator is told, and what it tells: both are files of JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    act: what each request is; its name in :mod:`bench.generator.acts`, and its ``arguments``.
    tokens: file of bearer tokens, one a line: the users, taken in turn from number ``start`` on.
    clients: connections; without ``rate`` each sends its next request when its last one has ended
        and ``think`` seconds have passed.
    rate: requests a second that arrive whatever becomes of those before; latency counts from when
        a request was due. 0: as the clients go.
    total: so many requests in all; 0: as many as there is time for.
    seconds: after which no request begins. Those under way are waited for, ``patience`` seconds.
    warm_up: seconds at the beginning that no figure counts.
    follow: ask for a job that a 202 names until it has ended.
    """

    port: int
    act: str
    tokens: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    clients: int = 100
    rate: float = 0.0
    think: float = 0.0
    start: int = 0
    total: int = 0
    seconds: float = 10.0
    warm_up: float = 0.0
    patience: float = 60.0
    follow: bool = False

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        return cls(**json.loads(path.read_text()))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a run saw.

    seconds: from the end of the warm-up to the last answer before no more was asked; in these lie
        ``sent``: requests that got an answer, ``accepted``: those that made a job, ``ended``: jobs
        that ended, and the latencies.
    refusals: by code, of the shop's own reasons. errors: 5xx, no answer, or what a script in order
        does not meet, by what it was. not_ended: jobs that did not end in time. All of the run.
    latency: ms from a request to its end, ``p50``, ``p95``, ``p99`` and ``max``.
    held_back: most requests that were due and found no free client at once (with ``rate``).
    cpu_seconds: what the generator itself used.
    """

    seconds: float
    sent: int
    accepted: int
    ended: int
    refusals: dict[str, int]
    errors: dict[str, int]
    not_ended: int
    latency: dict[str, float]
    held_back: int
    cpu_seconds: float

    @property
    def sent_per_second(self) -> float:
        return self.sent / self.seconds if self.seconds else 0.0

    @property
    def accepted_per_second(self) -> float:
        return self.accepted / self.seconds if self.seconds else 0.0

    @property
    def ended_per_second(self) -> float:
        return self.ended / self.seconds if self.seconds else 0.0

    @property
    def error_count(self) -> int:
        return sum(self.errors.values()) + self.not_ended

    @classmethod
    def load(cls, path: Path) -> "Loaded":
        return cls(**json.loads(path.read_text()))


def percentile(ordered: Any, share: float) -> float:
    """The value at or below which ``share`` of the ascending values lie; 0 of none."""
    if not len(ordered):
        return 0.0
    rank = max(0, -(-int(share * 10_000) * len(ordered) // 10_000) - 1)
    return float(ordered[min(rank, len(ordered) - 1)])
