"""What a bench found: on the terminal, as Markdown for docs/performance.md, and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.bench import Limits
from bench.options import Options
from bench.record import Listing, Record, number
from bench.targets import Judged, Verdict, judge

_STYLES = {Verdict.MET: "green", Verdict.SHORT: "bold red", Verdict.UNKNOWN: "yellow"}
_HEADINGS = ("scenario", "figure", "measured", "ratio", "target", "")


@dataclass(slots=True)
class Report:
    options: Options
    generator: str
    limits: Limits
    records: list[Record] = field(default_factory=list)

    @property
    def judged(self) -> list[Judged]:
        return judge(self.records, self.limits)

    @property
    def failed(self) -> bool:
        """Whether something went wrong that no slow machine explains."""
        return any(record.wrong or record.audit != "holds" for record in self.records)

    def as_json(self) -> dict[str, Any]:
        return {
            "seconds": self.options.seconds,
            "scale": self.options.scale,
            "generator": self.generator,
            "void": self.limits.void(),
            "limits": self.limits.as_json(),
            "scenarios": [record.as_json() for record in self.records],
            "targets": [
                {
                    "scenario": one.target.scenario, "figure": one.target.figure,
                    "measured": one.value, "ratio": one.ratio, "target": one.target.wanted(),
                    "must": one.target.must, "verdict": str(one.verdict),
                }
                for one in self.judged
            ],
        }

    def show(self, console: Console) -> None:
        """The tables, what falls short, and what went wrong."""
        console.print(self._limits_table())
        table = Table(*_HEADINGS, title="Targets (bold ones must be reached)")
        for one in self.judged:
            style = _STYLES[one.verdict]
            cells = _cells(one)
            cells[0] = f"[bold]{cells[0]}[/]" if one.target.must else cells[0]
            table.add_row(*cells[:5], f"[{style}]{one.verdict}[/]")
        console.print(table)
        if any(record.usage for record in self.records):
            console.print(_usage_table(self.records))
        for listing in self._listings():
            shown = Table(*listing.headings, title=listing.title)
            for row in listing.rows:
                shown.add_row(*map(escape, row))
            console.print(shown)
        for line in self._verdicts():
            console.print(line, markup=False)

    def _verdicts(self) -> Iterator[str]:
        for why in self.limits.void():
            yield f"VOID: {why}; ratios mean nothing in this run"
        for record in self.records:
            if record.audit != "holds":
                yield f"{record.scenario}: audit: {record.audit}"
            yield from (f"{record.scenario}: {what}" for what in record.wrong)
        short = [one for one in self.judged if one.verdict is Verdict.SHORT]
        for one in short:
            yield f"falls short: {one.target.scenario} {one.target.figure} ({one.target.wanted()})"
        yield f"{len(short)} of {len(self.judged)} targets fall short"

    def _listings(self) -> Iterator[Listing]:
        for record in self.records:
            yield from record.listings

    def _limits_table(self) -> Table:
        table = Table("limit", "per second", title="Limits")
        for name, value in self._limit_rows():
            table.add_row(name, value)
        return table

    def _limit_rows(self) -> Iterator[tuple[str, str]]:
        if self.limits.front:
            yield "L-front", number(self.limits.front.sent_per_second)
        if self.limits.front_unique:
            yield ("L-front, users all different",
                   number(self.limits.front_unique.sent_per_second))
        for kind, limit in self.limits.sql.items():
            for (batch, processes), rate in sorted(limit.rates.items()):
                yield f"L-sql {kind}, batch {batch}, {processes} processes", number(rate)
        if self.limits.relay:
            yield "L-relay", number(self.limits.relay)

    def markdown(self) -> str:
        """The tables that docs/performance.md has a place for."""
        lines = ["| limit | per second |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in self._limit_rows()]
        lines += ["", f"| {' | '.join(_HEADINGS)} |", "|---" * len(_HEADINGS) + "|"]
        for one in self.judged:
            cells = _cells(one)
            if one.target.must:
                cells[0] = f"**{cells[0]}**"
            lines.append(f"| {' | '.join(cells)} |")
        if any(record.usage for record in self.records):
            lines += ["", *_usage_markdown(self.records)]
        lines.append("")
        for listing in self._listings():
            lines += [f"**{listing.title}**", "", *_markdown(listing.headings, listing.rows), ""]
        lines += [f"- {line}" for line in self._verdicts()]
        return "\n".join(lines) + "\n"


def _cells(one: Judged) -> list[str]:
    return [
        one.target.scenario, one.target.figure, "-" if one.value is None else number(one.value),
        "-" if one.ratio is None else f"{one.ratio:.2f}", one.target.wanted(), str(one.verdict),
    ]


_KINDS = ("web", "users", "coupons", "scheduler", "consumers", "mariadb", "redis", "kafka",
          "platform", "load generator")


def _usage_rows(records: Sequence[Record]) -> Iterator[list[str]]:
    """CPU of each kind of process, in percent of one core, and the fleet's memory."""
    for record in records:
        for part, usage in record.usage.items():
            cpu = [f"{usage[kind]['cpuMean']:.0f}" if kind in usage else "-" for kind in _KINDS]
            memory = record.figures.get(f"{part}.fleet_memory_mb", 0.0)
            grown = record.counters[part]
            batches = ", ".join(
                f"{name.split()[1]} {value:.1f}"
                for name, value in grown.items()
                if name.startswith("drain") and name.endswith("mean batch")
            )
            waits = f"{grown.get('row lock waits', 0):.0f}"
            flush = f"{record.figures.get(f'{part}.flush_most_ms', 0.0):.0f}"
            yield [f"{record.scenario} {part}", *cpu, f"{memory:.0f}", batches or "-", waits, flush]


_USAGE = ("", *_KINDS, "fleet MB", "jobs a drain", "row lock waits", "slowest flush ms")


def _usage_table(records: Sequence[Record]) -> Table:
    table = Table(*_USAGE, title="CPU, percent of one core")
    for row in _usage_rows(records):
        table.add_row(*row)
    return table


def _usage_markdown(records: Sequence[Record]) -> list[str]:
    return _markdown(_USAGE, list(_usage_rows(records)))


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headings)} |", "|---" * len(headings) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
