"""Connections to MariaDB or MySQL: how they are opened, kept and given up.

They are kept between uses, because connecting costs more than most statements, and each is checked
before a transaction begins, because Peewee cannot reconnect inside one.
"""

import ssl
import time
from collections import deque
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pymysql.connections import Connection
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions

from infra.round_trips import RoundTrips
from infra.slots import Slots

# All in UTC, strict, READ COMMITTED (design: only audit reads one snapshot). An idle connection is
# dropped by the server after 20 s, so that the row locks of a stopped process cannot outlive it.
# A lock on a whole table (a backup's, an ALTER TABLE's) is waited for no longer than one on a row;
# the server's own patience with those is a day (docs/incident.md).
_SESSION = (
    "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 2, lock_wait_timeout = 2, "
    "wait_timeout = 20, "
    "sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
# PyMySQL takes moments apart by a regular expression, which takes as long as the rest of a row that
# has three of them.
_CONVERSIONS = {
    **conversions,
    FIELD_TYPE.DATETIME: datetime.fromisoformat,
    FIELD_TYPE.TIMESTAMP: datetime.fromisoformat,
}
_TRUST_SECONDS = 5.0  # a connection used so recently is not pinged again


class ShopDatabase(RoundTrips):
    """Peewee's database with kept connections, at most ``max_connections`` a process."""

    def init(self, database: str | None, max_connections: int = 40, **params: Any) -> None:
        self._idle: deque[tuple[float, Connection]] = deque()
        self.slots = Slots(max_connections)
        super().init(database, **params)
        # Peewee would hold one lock for all threads while one of them connects. Its state is
        # thread-local and the deque is atomic, so there is nothing for that lock to protect.
        self._lock = nullcontext()

    def _connect(self) -> Connection:
        return self._reuse() or self._open()

    def _reuse(self) -> Connection | None:
        while self._idle:
            used_at, connection = self._idle.pop()
            if time.monotonic() - used_at < _TRUST_SECONDS:
                return connection
            try:
                connection.ping(reconnect=False)
                return connection
            except Exception:
                _close_quietly(connection)
        return None

    def _open(self) -> Connection:
        connection: Connection = super()._connect()
        with connection.cursor() as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
        return connection

    def _close(self, connection: Connection) -> None:
        # A connection that broke, or still has a transaction open, is not handed on.
        if connection.open and not (connection.server_status & 1):
            self._idle.append((time.monotonic(), connection))
        else:
            _close_quietly(connection)

    def discard(self) -> None:
        """Close this thread's connection for good, whatever state it is in."""
        state = self._state
        if not state.closed:
            _close_quietly(state.conn)
            state.transactions.clear()
            self.forget_transaction()
            self.close()

    def forget_idle(self) -> None:
        """Close all kept connections (tests, and a process about to fork)."""
        while self._idle:
            _close_quietly(self._idle.pop()[1])


def _close_quietly(connection: Connection) -> None:
    with suppress(Exception):  # it is broken already; there is nothing left to do
        connection.close()


def connect_params(url: str) -> tuple[str, dict[str, Any]]:
    """Database name and PyMySQL parameters of ``mysql://user:password@host:port/name``.

    Raises ValueError for another scheme or a missing name.
    """
    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    if parts.scheme not in ("mysql", "mariadb", "mysql+pymysql") or not name:
        raise ValueError("DATABASE_URL must look like mysql://user:password@host:3306/name")
    wants_tls = parse_qs(parts.query).get("ssl", ["0"])[0] not in ("0", "false")
    params: dict[str, Any] = {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "connect_timeout": 3,
        # For statements that travel together (ADR 0010). None holds a text that a client sent.
        "client_flag": CLIENT.MULTI_STATEMENTS,
        "conv": _CONVERSIONS,
        "read_timeout": 30,
        "write_timeout": 30,
    }
    if wants_tls:
        params["ssl"] = ssl.create_default_context()  # one shared context: making one costs 38 ms
    else:
        params["ssl_disabled"] = True
    return name, params
