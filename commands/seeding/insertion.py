"""Rows in, thousands a statement."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from infra.database import execute, placeholders, rows

CHUNK = 5_000
"""Rows of the leading table in one transaction."""

T = TypeVar("T")

Advance = Callable[[int], None]
"""Hears how many more rows of the leading table are committed."""


def insert(
    table: str,
    columns: Sequence[str],
    values: Sequence[Sequence[Any]],
    ids: Sequence[int] | None = None,
) -> list[int]:
    """Insert ``values`` in one statement, with ``ids`` if given, and return their ids in order.

    InnoDB gives the rows of one statement evenly spaced ids, the server's increment apart
    (https://dev.mysql.com/doc/refman/8.4/en/innodb-auto-increment-handling.html). Meaningless for
    tables without AUTO_INCREMENT.
    """
    if ids is not None:
        columns = ("id", *columns)
        values = [(id_, *row) for id_, row in zip(ids, values, strict=True)]
    cursor = execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        + placeholders(len(values), f"({placeholders(len(columns))})"),
        [value for row in values for value in row],
    )
    if ids is not None:
        return list(ids)
    first, step = int(cursor.lastrowid or 0), int(rows("SELECT @@auto_increment_increment")[0][0])
    return list(range(first, first + len(values) * step, step))


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces of :data:`CHUNK`."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
