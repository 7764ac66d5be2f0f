"""How long a read takes, and how the database goes about it."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

_LEAST, _MOST = 5, 500
"""Runs that a median is made of: so many at least, however long they take, and at most."""


def median_ms(read: Callable[[int], object], seconds: float) -> float:
    """Milliseconds that ``read`` takes in the median, run again and again for some ``seconds``.

    It is told its number. The first run fills caches, and does not count.
    """
    read(0)
    took: list[float] = []
    until = time.monotonic() + seconds
    while len(took) < _LEAST or (len(took) < _MOST and time.monotonic() < until):
        began = time.perf_counter()
        read(len(took) + 1)
        took.append(time.perf_counter() - began)
    return 1_000 * statistics.median(took)


def explained(
    connection: "pymysql.Connection[Any]", sql: str, parameters: Sequence[Any]
) -> list[str]:
    """What EXPLAIN says, a line for each table: how it is read, by which index, so many rows."""
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return [_line(row) for row in cursor.fetchall()]


def _line(row: dict[str, Any]) -> str:
    """``table: type, key, rows; Extra``."""
    rows = int(row["rows"] or 0)
    told = f"{row['table']}: {row['type']}, {row['key'] or 'no index'}, {rows:,} rows"
    return f"{told}; {row['Extra']}" if row["Extra"] else told
