"""MariaDB or MySQL: connections, sessions and transactions.

Peewee's thread-local state holds one connection a thread (a greenlet under gevent). Connections
are kept between uses, because connecting costs more than most statements, and each is checked
before a transaction begins, because Peewee cannot reconnect inside one.
"""

import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import peewee
from pymysql.connections import Connection
from pymysql.constants import CLIENT, ER, FIELD_TYPE
from pymysql.converters import conversions

from infra.metrics import transaction_restarts
from infra.round_trips import RoundTrips

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
_CHECKOUT_SECONDS = 5.0

ER_RECORD_CHANGED = 1020  # MariaDB from 11.6.2, in snapshot conflicts
RESTARTABLE = frozenset({ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER_RECORD_CHANGED})
_NOT_NOW = frozenset({
    ER.DISK_FULL, ER.CON_COUNT_ERROR, ER.RECORD_FILE_FULL, ER.HOST_IS_BLOCKED,
    ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED, ER.OPTION_PREVENTS_STATEMENT,
    ER.QUERY_INTERRUPTED, 1836,  # 1836: InnoDB is read-only
})
MAX_RESTARTS = 8

T = TypeVar("T")


class ConnectionsExhausted(peewee.OperationalError):
    """Every connection of this process is in use, and stayed so for seconds."""


class ShopDatabase(RoundTrips):
    """Peewee's database with kept connections, at most ``max_connections`` a process."""

    def init(self, database: str | None, max_connections: int = 40, **params: Any) -> None:
        self._idle: deque[tuple[float, Connection]] = deque()
        self.slots = threading.BoundedSemaphore(max_connections)
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


database = ShopDatabase(None)


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


def configure(url: str, max_connections: int) -> None:
    """Point the process's database at ``url``. Connects to nothing yet."""
    name, params = connect_params(url)
    database.init(name, max_connections=max_connections, **params)


@contextmanager
def session() -> Iterator[ShopDatabase]:
    """This thread's connection, for as long as the block runs; nested blocks share it."""
    if not database.is_closed():
        yield database
        return
    if not database.slots.acquire(timeout=_CHECKOUT_SECONDS):
        raise ConnectionsExhausted("all database connections of this process are in use")
    try:
        database.connect()
        yield database
    except Exception:
        raise
    except BaseException:
        database.discard()  # killed in the middle of an answer: the rest of it is still to come
        raise
    finally:
        database.close()
        database.slots.release()


@contextmanager
def patient_session(seconds: float) -> Iterator[ShopDatabase]:
    """A session on a connection of its own, which waits up to ``seconds`` for an answer instead of
    30, for a change of a big table; closed for good at the end. For a process that does nothing
    else meanwhile."""
    usual = database.connect_params["read_timeout"]
    database.forget_idle()
    database.connect_params["read_timeout"] = seconds
    try:
        with session():
            yield database
    finally:
        database.connect_params["read_timeout"] = usual
        database.forget_idle()


@contextmanager
def transaction(timed: bool = False) -> Iterator[ShopDatabase]:
    """One READ COMMITTED transaction: committed at the end, rolled back on any error.

    ``timed``: what :func:`now` tells in it is the time of its first statement, and costs nothing.
    Transactions do not nest. A connection that broke on the way is discarded, so that the next
    block opens a new one.
    Raises what the database raised; after a lost connection during COMMIT the outcome is unknown.
    """
    with session():
        if database.in_transaction():
            raise RuntimeError("a transaction within a transaction")
        try:
            with database.atomic(timed=timed):
                yield database
        except (peewee.InterfaceError, peewee.OperationalError) as error:
            if is_connection_lost(error):
                database.discard()
            raise


def run_transaction(
    work: Callable[[], T], *, restarts_lock_waits: bool = True, timed: bool = False
) -> T:
    """``work`` in a :func:`transaction`, restarted whole after a deadlock or a lock wait.

    ``work`` must have no effect besides the database. Without ``restarts_lock_waits`` a lock wait
    of 2 s is the end, for callers whose own caller waits. Raises the database's error when the
    restarts are used up.
    """
    for restart in range(MAX_RESTARTS + 1):
        try:
            with transaction(timed):
                return work()
        except peewee.OperationalError as error:
            gave_up = error_code(error) == ER.LOCK_WAIT_TIMEOUT and not restarts_lock_waits
            if restart == MAX_RESTARTS or gave_up or not is_restartable(error):
                raise
            transaction_restarts.inc()
            time.sleep(random.uniform(0, 0.005 * 2**restart))  # noqa: S311  # jitter
    raise AssertionError("unreachable")


def error_code(error: BaseException) -> int:
    """The server's or client's error number behind a Peewee error, 0 if there is none."""
    for candidate in (error, *error.args[:1]):
        if isinstance(candidate, BaseException) and candidate.args:
            code = candidate.args[0]
            if isinstance(code, int):
                return code
    return 0


def is_restartable(error: BaseException) -> bool:
    """Whether the same transaction may well succeed when begun again."""
    return error_code(error) in RESTARTABLE


def is_connection_lost(error: BaseException) -> bool:
    """Whether the connection broke or could not be made; an open COMMIT's outcome is unknown."""
    if isinstance(error, ConnectionsExhausted):
        return False
    if isinstance(error, peewee.InterfaceError):
        return True
    code = error_code(error)
    return 2000 <= code < 2100 or code in (
        ER.SERVER_SHUTDOWN, ER.NEW_ABORTING_CONNECTION, ER.ABORTING_CONNECTION, 1927, 4031,
    )


def is_unavailable(error: BaseException) -> bool:
    """Whether the database cannot do it now, and may well do it later: away, full, read-only while
    another node takes over, or others are in the way."""
    return (
        isinstance(error, ConnectionsExhausted)
        or is_connection_lost(error)
        or is_restartable(error)
        or error_code(error) in _NOT_NOW
    )


def execute(sql: str, params: Sequence[Any] = ()) -> Any:
    """Run one statement on this thread's connection and return its cursor."""
    return database.execute_sql(sql, params)


def connection_id() -> int:
    """The server's number for this thread's connection, to be given to :func:`kill`."""
    return int(database.connection().thread_id())


def kill(connection: int) -> None:
    """End another connection of ours: what it has sent and the server has not begun is never done,
    and what it has begun is undone, but for a COMMIT, which is finished."""
    try:
        execute("KILL %s", (connection,))
    except peewee.OperationalError as error:
        if error_code(error) not in (ER.NO_SUCH_THREAD, ER.KILL_DENIED_ERROR):
            raise


def put_off(sql: str, params: Sequence[Any] = ()) -> None:
    """Run one statement of a transaction, of which nothing is to be known, with the next one or
    with COMMIT; what the database has against it is raised there."""
    database.put_off(sql, params)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of one query."""
    return list(database.execute_sql(sql, params).fetchall())


def end_with(sql: str, params: Sequence[Any] = ()) -> None:
    """Run a transaction's last statement and commit, in one round trip: nothing may follow."""
    database.end_with(sql, params)


def several(*statements: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """The rows of each of these statements, which go out in one round trip and run in their order
    until one fails; none for one that has none."""
    params = [param for _, own in statements for param in own]
    cursor = database.execute_sql("; ".join(sql for sql, _ in statements), params)
    found = [list(cursor.fetchall())]
    with peewee.__exception_wrapper__:
        while cursor.nextset():
            found.append(list(cursor.fetchall()))
    if len(found) != len(statements):
        raise peewee.InterfaceError("the server has left out statements that came together")
    return found


def affected(sql: str, params: Sequence[Any] = ()) -> int:
    """Run one statement and return how many rows it changed."""
    return int(database.execute_sql(sql, params).rowcount)


def now() -> datetime:
    """The database's clock, in UTC: the only one that decides anything."""
    if database.moment is not None:
        return database.moment
    moment: datetime = rows("SELECT NOW(3)")[0][0]
    return database.moment or moment


def placeholders(count: int, row: str = "%s") -> str:
    """``count`` times ``row``, separated by commas: the inside of IN (…) or VALUES …."""
    return ",".join([row] * count)


__all__ = [
    "ConnectionsExhausted", "affected", "configure", "connect_params", "connection_id", "database",
    "end_with", "error_code", "execute", "is_connection_lost", "is_restartable", "is_unavailable",
    "kill", "now", "patient_session", "placeholders", "put_off", "rows", "run_transaction",
    "session", "several", "transaction",
]
