"""What the database makes of the statements that it is sent: their plans, and the rows they read.

An estimate can be wrong, and a LIMIT makes a scan look short that finds nothing for a whole table.
So a statement is judged twice: by EXPLAIN, before it runs, and by how many rows the server says it
has read.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.database import database, session

MOST_ROWS = 1_000
"""So many rows may be scanned, sorted or read in vain."""
READS_A_ROW = 10
"""Reads that a row found or changed may take: its index, itself, what it is joined with."""

_PLANNED = re.compile(r"[\s(]*(SELECT|UPDATE|DELETE|WITH|(INSERT|REPLACE)\b.*\bSELECT)\b", re.S)
_REPEATED = re.compile(r"(%s|\((?:%s|,)*\))(?:,\s?\1){3,}")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of EXPLAIN, of MariaDB or MySQL."""

    table: str
    access: str
    """ALL, index, range, ref, …: how the table is read."""
    rows: int
    extra: str
    line: str

    def faults(self) -> Iterator[str]:
        """What is wrong with it. Derived tables, named like ``<derived2>``, are read as they are:
        what fills them has a step of its own."""
        if self.rows <= MOST_ROWS or self.table.startswith("<"):
            return
        if self.access in ("ALL", "index"):
            yield f"reads the whole of {self.table}, some {self.rows} rows"
        if "Using filesort" in self.extra:
            yield f"sorts {self.table}, some {self.rows} rows"


def step_of(columns: Sequence[str], values: Sequence[Any]) -> Step:
    """A line of EXPLAIN in its tabular format; what it lacks is empty, or no rows.

    MariaDB adds what a rowid filter does: ``range|filter``, and ``120 (3%)`` rows.
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
    """One statement as it ran."""

    sql: str
    place: tuple[str, int]
    """File and line of the store that sent it."""
    steps: Sequence[Step] = ()
    found: int = 1
    """Rows that it returned or changed."""
    read: int = 0

    def faults(self) -> list[str]:
        """What is wrong with it, in words; with nothing found, its plan says nothing."""
        faults = [fault for step in self.steps for fault in step.faults()]
        if self.found < 1:
            faults.append("finds or changes no row: the call's arguments are not as in life")
        if self.read > MOST_ROWS + READS_A_ROW * self.found:
            faults.append(f"reads {self.read} rows for {self.found}")
        return faults

    def shown(self) -> str:
        """The statement and its plan, to be read in a failure."""
        sql = _REPEATED.sub(r"\1, …", " ".join(self.sql.split()))
        faulty = [step for step in self.steps if list(step.faults())]
        plan = [step.line for step in (faulty or self.steps)[:8]]
        return "\n    ".join([sql[:1500], *plan, f"({self.read} rows read for {self.found})"])


class Recorder:
    """Sends statements on, and keeps what became of each."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._send = database.execute_sql
        # Asking how many rows were read reads some.
        self._asking = -self._rows_read() + self._rows_read()

    def __call__(self, sql: str, params: Any = None) -> Any:
        place = _place_of_store()
        if not _PLANNED.match(sql):
            self.statements.append(Statement(sql, place))
            return self._send(sql, params)
        steps = self._explain(sql, params)
        before = self._rows_read()
        cursor = self._send(sql, params)
        read = self._rows_read() - before - self._asking
        self.statements.append(Statement(sql, place, steps, cursor.rowcount, read))
        return cursor

    def _explain(self, sql: str, params: Any) -> list[Step]:
        cursor = self._send(f"EXPLAIN {sql}", params)
        columns = [column[0] for column in cursor.description]
        return [step_of(columns, line) for line in cursor.fetchall()]

    def _rows_read(self) -> int:
        cursor = self._send("SHOW SESSION STATUS LIKE 'Handler_read%%'", None)
        return sum(int(value) for _, value in cursor.fetchall())


def _place_of_store() -> tuple[str, int]:
    """Where the nearest caller is whose module's name ends in ``store``."""
    frame = sys._getframe(2)
    while not Path(frame.f_code.co_filename).stem.endswith("store"):
        if frame.f_back is None:
            return "", 0
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """The statements of the block, which runs in one transaction; what it did is undone."""
    with session(), database.atomic() as transaction, pytest.MonkeyPatch.context() as patch:
        recorder = Recorder()
        patch.setattr(database, "execute_sql", recorder)
        try:
            yield recorder.statements
        finally:
            transaction.rollback()
