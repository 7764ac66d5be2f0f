"""How good it has to be, in one place; and whether it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.bench import Limits
from bench.record import Record


class Verdict(StrEnum):
    MET = "met"
    SHORT = "falls short"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of a scenario, and what it has to be.

    least, most: the figure itself. share: of a limit, which ``of`` names, at least.
    must: whether it has to be reached; of the others a profile may show what stops them.
    """

    scenario: str
    figure: str
    least: float | None = None
    most: float | None = None
    share: float | None = None
    of: str = ""
    must: bool = False

    def wanted(self) -> str:
        """As the table shows it."""
        parts = []
        if self.share is not None:
            parts.append(f"≥ {self.share:g} × {_SHOWN.get(self.of, self.of)}")
        if self.least is not None:
            parts.append(f"≥ {self.least:,g}")
        if self.most is not None:
            parts.append(f"≤ {self.most:,g}")
        return " and ".join(parts)


_SHOWN = {"front": "L-front", "relay": "L-relay", "sql coupons": "L-sql",
          "sql charges": "L-sql", "sql orders": "L-sql"}


@dataclass(frozen=True, slots=True)
class Judged:
    """ratio: to the limit, if the target names one."""

    target: Target
    value: float | None
    ratio: float | None
    verdict: Verdict


def _full(
    name: str, share: float, least: float, p99: float, half: float | None, latency: str = "p99_ms"
) -> list[Target]:
    """latency: the client's, unless the target is about the time from accepted to ended."""
    found = [
        Target(name, "full.ended_per_second", least=least, share=share, of="front", must=True),
        Target(name, f"full.{latency}", most=p99, must=True),
        Target(name, "full.errors", most=0, must=True),
    ]
    if half is not None:
        found.append(Target(name, f"half.{latency}", most=half, must=True))
    return found


def _accept(kind: str) -> list[Target]:
    name = f"accept-{kind}"
    return [
        Target(name, "accept.accepted_per_second", share=0.6, of="front"),
        Target(name, "accept.p99_ms", most=100),
        Target(name, "accept.errors", most=0),
    ]


TARGETS: Sequence[Target] = [
    *(one for kind in ("coupon", "charge", "order", "cancel") for one in _accept(kind)),
    *_full("coupon", 0.45, 1_800, 500, 100, latency="job_p99_ms"),
    Target("sold-out", "late.sent_per_second", share=0.7, of="front"),
    Target("sold-out", "late.jobs", most=0),
    *_full("charge-10", 0.4, 1_600, 250, None),
    *_full("charge-10000", 0.4, 1_400, 250, None),
    *_full("order-random", 0.3, 1_200, 300, 100),
    Target("order-random", "relay.lag_p50_ms", most=100, must=True),
    Target("order-random", "relay.lag_p99_ms", most=1_000, must=True),
    *_full("order-alike", 0.3, 1_200, 300, 100),
    Target("lone", "lone.p50_ms", most=15, must=True),
    Target("lone", "lone.p99_ms", most=40, must=True),
    Target("hot-product", "full.errors", most=0),
    Target("hot-product", "full.stock_left", most=0),
    Target("hot-coupon", "full.errors", most=0),
    Target("hot-user", "full.errors", most=0),
    Target("many-keys", "full.errors", most=0),
    *(
        Target(f"drain-{kind}", "drain.ended_per_second", share=0.5, of=f"sql {kind}")
        for kind in ("coupons", "charges", "orders")
    ),
    Target("relay", "relay.per_second", least=8_000, share=0.6, of="relay", must=True),
    Target("export", "export.per_second", least=100),
    Target("export", "export.overlapping", most=0),
    Target("idle", "idle.fleet_cpu_percent", most=3),
    Target("poll", "poll.sent_per_second", share=0.5, of="front"),
    Target("poll", "poll.errors", most=0),
    Target("waiters", "waiters.memory_mb", most=50),
    Target("waiters", "waiters.cpu_percent", most=5),
    Target("browse", "popular.p99_ms", most=10),
    *(
        Target("browse", f"{read}.p99_ms", most=50)
        for read in ("list", "detail", "cart", "orders")
    ),
    *(
        Target("growth", f"{request}_ratio", most=1.3)
        for request in ("charge", "coupon", "order", "list", "popular", "own orders",
                        "own history", "own jobs")
    ),
    Target("indexes", "large.covering_over_ranking", least=25),
    Target("indexes", "large.without_over_covering", least=3),
]
FLEET_MEMORY_MB = 700
_OTHER_FLEETS = frozenset({"lock-granularity", "sweep"})
"""Scenarios whose fleets have more processes than the shop's: their memory is not its."""


def judge(records: Iterable[Record], limits: Limits) -> list[Judged]:
    """The targets of the scenarios that were played."""
    found = {record.scenario: record.figures for record in records}
    judged = [
        _judge(target, found[target.scenario].get(target.figure), limits)
        for target in TARGETS if target.scenario in found
    ]
    memory = [
        value for scenario, figures in found.items() if scenario not in _OTHER_FLEETS
        for name, value in figures.items() if name.endswith(".fleet_memory_mb")
    ]
    if memory:
        target = Target("all", "fleet_memory_mb", most=FLEET_MEMORY_MB)
        judged.append(_judge(target, max(memory), limits))
    return judged


def _judge(target: Target, value: float | None, limits: Limits) -> Judged:
    limit = limits.value(target.of) if target.share is not None else None
    ratio = value / limit if value is not None and limit else None
    if value is None or (target.share is not None and ratio is None):
        return Judged(target, value, ratio, Verdict.UNKNOWN)
    met = (
        (target.least is None or value >= target.least)
        and (target.most is None or value <= target.most)
        and (target.share is None or (ratio or 0.0) >= target.share)
    )
    return Judged(target, value, ratio, Verdict.MET if met else Verdict.SHORT)
