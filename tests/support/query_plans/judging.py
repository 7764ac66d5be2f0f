"""What is wrong with a statement: with its plan, and with what it did.

An estimate can be wrong, and a LIMIT makes a search look short that finds nothing in a whole table.
So EXPLAIN is believed only where the server then says that it has read few rows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_ROWS = 1_000
"""So many rows may be scanned, sorted, or read in vain."""
READS_A_ROW = 10
"""Reads that one row found may take: of indexes, of what it is joined with, of temporary tables."""
STEPS_SHOWN = 8

_REPEATED = re.compile(r"(%s|\((?:%s|,)*\))(?:,\s?\1){3,}")


class Wrong(StrEnum):
    """Kinds of faults."""

    SCANS = "scans"
    """It reads a whole table or index. Never right for a table that grows."""
    SORTS = "sorts"
    READS = "reads"
    """It reads many rows more than it finds."""
    FINDS_NOTHING = "finds nothing"
    """The call is not as in life, so that its plan says nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a statement."""

    kind: Wrong
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of EXPLAIN in its tabular format, of MariaDB or MySQL."""

    table: str
    access: str
    """ALL, index, range, ref, …: how the table is read."""
    rows: int
    extra: str
    line: str

    def faults(self) -> Iterator[Fault]:
        """What is wrong with it. Derived tables, named like ``<derived2>``, are there to be read
        whole: what fills them has a step of its own."""
        if self.rows <= MOST_ROWS:
            return
        about = f"{self.table}, some {self.rows} rows"
        if self.access in ("ALL", "index") and not self.table.startswith("<"):
            yield Fault(Wrong.SCANS, f"scans the whole of {about}")
        if "Using filesort" in self.extra:
            yield Fault(Wrong.SORTS, f"sorts {about}")


def step_of(columns: Sequence[str], values: Sequence[Any]) -> Step:
    """A line of EXPLAIN; what it lacks is empty, or no rows.

    MariaDB tells what a rowid filter adds in the same places: ``range|filter``, ``120 (3%)``.
    """
    line = {name.lower(): value for name, value in zip(columns, values, strict=True)}
    count = re.match(r"\d+", str(line["rows"]))
    return Step(
        table=line["table"] or "",
        access=(line["type"] or "").split("|")[0],
        rows=int(count[0]) if count else 0,
        extra=line["extra"] or "",
        line=" | ".join("-" if value is None else str(value) for value in values),
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was planned and as it ran."""

    sql: str
    place: tuple[str, int]
    """The file and the line of the store that sent it."""
    steps: Sequence[Step] = ()
    found: int = 1
    """Rows that it returned or changed."""
    read: int = 0
    """Rows that the server read for it, those of temporary tables among them."""

    def faults(self) -> list[Fault]:
        """Everything that is wrong with it."""
        faults = [fault for step in self.steps for fault in step.faults()]
        if self.found < 1:
            text = "finds or changes no row: the arguments are not as in life"
            faults.append(Fault(Wrong.FINDS_NOTHING, text))
        if self.read > MOST_ROWS + READS_A_ROW * self.found:
            faults.append(Fault(Wrong.READS, f"reads {self.read} rows for {self.found}"))
        return faults

    def __str__(self) -> str:
        """The statement and its plan; of a long one the faulty steps, or the first."""
        sql = _REPEATED.sub(r"\1, …", " ".join(self.sql.split()))
        faulty = [step for step in self.steps if any(step.faults())]
        lines = [step.line for step in (faulty or self.steps)[:STEPS_SHOWN]]
        return "\n      ".join([sql[:1500], *lines])
