"""What one scenario has measured."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.counters import Counters
from bench.flushes import Flushes
from bench.generator.plan import Loaded, percentile
from bench.loads import LoadMaker
from bench.sampling import GENERATOR, Sampler
from bench.stage import Stage
from fleet.console import say


def number(value: float) -> str:
    """As tables show it: three digits that count, or all of them."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of a scenario's own, as it is read: cells are text already."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "headings": self.headings, "rows": self.rows}


@dataclass(slots=True)
class Record:
    """figures: by name, e.g. ``full.ended_per_second``; units are in the names.

    usage: of each observed part, CPU and memory by kind of process. counters: what grew meanwhile.
    listings: tables for what the common ones have no place for.
    wrong: what must not have happened, in words. audit: ``holds``, or what does not.
    """

    scenario: str
    figures: dict[str, float] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, dict[str, float]] = field(default_factory=dict)
    refusals: dict[str, dict[str, int]] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    audit: str = "not asked"

    def as_json(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario, "figures": self.figures, "usage": self.usage,
            "counters": self.counters, "refusals": self.refusals,
            "listings": [one.as_json() for one in self.listings], "wrong": self.wrong,
            "audit": self.audit,
        }


class Recorder:
    """Observes parts of a scenario, and puts what they gave into its record."""

    def __init__(self, stage: Stage, loads: LoadMaker, record: Record) -> None:
        self._stage = stage
        self._loads = loads
        self.record = record

    @contextmanager
    def observed(self, part: str) -> Iterator[Sampler]:
        """CPU, memory, counters and the disk while the body runs."""
        before = Counters.now(self._stage)
        began, used = time.monotonic(), time.process_time()
        with Sampler(self._pids) as sampler, Flushes(self._stage.directory) as flushes:
            yield sampler
        used, took = time.process_time() - used, time.monotonic() - began
        self.record.figures[f"{part}.bench_cpu_percent"] = 100 * used / took
        self.record.counters[part] = Counters.now(self._stage).since(before)
        self.record.usage[part] = sampler.as_json()
        figures = self.record.figures
        figures |= {f"{part}.{name}": value for name, value in flushes.figures().items()}
        figures[f"{part}.fleet_memory_mb"] = max(sampler.fleet_memory, default=0.0)
        share = sampler.usage[GENERATOR].cpu if GENERATOR in sampler.usage else []
        figures[f"{part}.generator_cpu_percent"] = sum(share) / len(share) if share else 0.0

    def load(self, part: str, act: str, *, jobs: bool = True, **plan: Any) -> Loaded:
        """Put load on the fleet, observed; :meth:`LoadMaker.run` says what ``plan`` may tell.

        jobs: whether the figures of the jobs that were made and ended are told too.
        """
        last = self.last_job()
        with self.observed(part):
            loaded = self._loads.run(act, **plan)
        self.take(part, loaded)
        if jobs:
            self._take_jobs(part, last)
        return loaded

    def take(self, part: str, loaded: Loaded) -> None:
        """A load's figures."""
        figures = self.record.figures
        figures |= {
            f"{part}.sent_per_second": loaded.sent_per_second,
            f"{part}.accepted_per_second": loaded.accepted_per_second,
            f"{part}.ended_per_second": loaded.ended_per_second,
            f"{part}.errors": loaded.error_count,
            f"{part}.held_back": loaded.held_back,
            f"{part}.generator_us_per_answer": 1e6 * loaded.cpu_seconds / max(1, loaded.sent),
            **{f"{part}.{name}_ms": value for name, value in loaded.latency.items()},
        }
        self.record.refusals[part] = loaded.refusals
        for what, times in loaded.errors.items():
            self.wrong(f"{part}: {times} × {what}")
        if loaded.not_ended:
            self.wrong(f"{part}: {loaded.not_ended} jobs did not end")
        say(
            f"    {part}: {loaded.sent_per_second:.0f} answers/s, "
            f"{loaded.ended_per_second:.0f} ended/s, p99 {loaded.latency['p99']:.0f} ms"
        )

    def wrong(self, what: str) -> None:
        self.record.wrong.append(what)

    def figure(self, name: str, value: float) -> None:
        self.record.figures[name] = value

    def listing(
        self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        self.record.listings.append(Listing(title, headings, rows))

    def last_job(self) -> int:
        return int(self._stage.rows("SELECT COALESCE(MAX(id), 0) FROM jobs")[0][0])

    def spread(self, name: str, milliseconds: list[float]) -> None:
        """p50, p95 and p99 of some values."""
        ordered = sorted(milliseconds)
        for percent in (50, 95, 99):
            self.figure(f"{name}_p{percent}_ms", percentile(ordered, percent / 100))

    def _take_jobs(self, part: str, after: int) -> None:
        """From accepted to ended, as the database's clock has it, in jobs behind ``after``."""
        found = self._stage.rows(
            "SELECT TIMESTAMPDIFF(MICROSECOND, accepted_at, finished_at) / 1000 FROM jobs "
            "WHERE id > %s AND finished_at IS NOT NULL", (after,)
        )
        self.spread(f"{part}.job", [float(value) for (value,) in found])

    def _pids(self) -> list[tuple[str, int]]:
        found = [
            (state.name, state.pid)
            for state in self._stage.checkout.fleet.states().values() if state.pid is not None
        ]
        found += list(self._stage.service_pids.items())
        if self._loads.pid is not None:
            found.append((GENERATOR, self._loads.pid))
        return found
