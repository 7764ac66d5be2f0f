"""Calls that run as in life but for their commit, and what the server made of their statements."""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra.database import database, session
from tests.support.query_plans.judging import Statement, Step, step_of
from tests.support.query_plans.stores import Call

_PLANNED = re.compile(r"[\s(]*(SELECT|UPDATE|DELETE|WITH|(INSERT|REPLACE)\b.*\bSELECT)\b", re.S)


class Recorder:
    """Sends statements on, and keeps what became of each."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._send = database.execute_sql
        # Asking how many rows were read reads some.
        self._asking = -self._rows_read() + self._rows_read()

    def __call__(self, sql: str, params: Any = None) -> Any:
        together, given, cursors = sql.split("; "), list(params or ()), []
        for one in together:  # in one round trip
            own, given = given[: one.count("%s")], given[one.count("%s") :]
            cursors.append(self._run("DO 0" if one == "COMMIT" else one, own))
        return cursors[0] if len(together) == 1 else _Results(cursors)

    def _run(self, sql: str, params: Any) -> Any:
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
        cursor = self._send(f"EXPLAIN FORMAT=TRADITIONAL {sql}", params)
        columns = [column[0] for column in cursor.description]
        return [step_of(columns, line) for line in cursor.fetchall()]

    def _rows_read(self) -> int:
        cursor = self._send("SHOW SESSION STATUS LIKE 'Handler_read%%'", None)
        return sum(int(value) for _, value in cursor.fetchall())


class _Results:
    """The answers to several statements, as one cursor has them."""

    def __init__(self, cursors: list[Any]) -> None:
        self._cursors = cursors

    def fetchall(self) -> Any:
        return self._cursors[0].fetchall()

    def nextset(self) -> bool:
        self._cursors.pop(0)
        return bool(self._cursors)


def _place_of_store() -> tuple[str, int]:
    """Where the nearest caller is whose module's name ends in ``store``."""
    frame = sys._getframe(3)
    while not Path(frame.f_code.co_filename).stem.endswith("store"):
        if frame.f_back is None:
            return "", 0
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """The statements of the block, which runs in one transaction; what it did is undone."""
    with session(), database.atomic() as transaction:
        recorder = Recorder()
        try:
            with (
                patch.object(database, "execute_sql", recorder),
                patch.object(database, "put_off", recorder),
            ):
                yield recorder.statements
        finally:
            transaction.rollback()


def run(function: str, call: Call) -> list[Statement]:
    """The statements of one call of a function, given by its full name. Raises what it raises."""
    module, _, name = function.rpartition(".")
    with recorded() as statements:
        result = getattr(importlib.import_module(module), name)(*call.arguments)
        if isinstance(result, Iterator):
            next(result)
    return statements
