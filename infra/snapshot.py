"""One consistent view of the whole database, for those that check instead of work."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pymysql
from pymysql.cursors import SSDictCursor

from infra.connections import connect_params

_ANSWER_SECONDS = 900
_ROOM = 256 * 1024 * 1024
"""Bytes that one query may hold in memory: on disk, grouping a million rows takes ten times as
long."""
_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION time_zone = '+00:00', wait_timeout = 3600, net_write_timeout = 900, "
    "sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
    f"SET SESSION tmp_table_size = {_ROOM}, max_heap_table_size = {_ROOM}, "
    f"sort_buffer_size = {_ROOM // 8}",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)


class SnapshotFailed(Exception):
    """The database is away, or refused a query; the message is one line, fit to be shown."""


class Snapshot:
    """A REPEATABLE READ transaction that reads only. Not for two threads at once."""

    def __init__(self, connection: "pymysql.Connection[Any]") -> None:
        self._connection = connection
        self.now: datetime = self.value("SELECT NOW(3)")
        """The database's clock when the snapshot was taken."""

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a query as they come, never all in memory; one query at a time.

        Raises SnapshotFailed.
        """
        try:
            with self._connection.cursor(SSDictCursor) as cursor:
                cursor.execute(sql, params)
                yield from cursor
        except pymysql.MySQLError as error:
            raise SnapshotFailed(_one_line(error)) from error

    def value(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        """The first column of a query's only row. Raises SnapshotFailed."""
        (row,) = self.rows(sql, params)
        return next(iter(row.values()))


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """A snapshot of the database at ``url``, on a connection of its own with long time-outs.

    Raises SnapshotFailed when the database is away.
    """
    name, params = connect_params(url)
    params |= {"read_timeout": _ANSWER_SECONDS, "write_timeout": _ANSWER_SECONDS}
    try:
        connection = pymysql.connect(database=name, charset="utf8mb4", **params)
    except pymysql.MySQLError as error:
        raise SnapshotFailed(_one_line(error)) from error
    try:
        with connection.cursor() as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
        yield Snapshot(connection)
    except pymysql.MySQLError as error:
        raise SnapshotFailed(_one_line(error)) from error
    finally:
        connection.close()


def _one_line(error: pymysql.MySQLError) -> str:
    text = str(error.args[-1] if error.args else error)
    return " ".join(text.split())
