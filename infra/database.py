"""MariaDB or MySQL: sessions, transactions and statements.

Peewee's thread-local state holds one connection a thread (a greenlet under gevent).
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import peewee
from pymysql.constants import ER

from infra.connections import ShopDatabase, connect_params
from infra.database_errors import (
    ConnectionsExhausted,
    error_code,
    is_connection_lost,
    is_restartable,
)
from infra.metrics import transaction_restarts

_CHECKOUT_SECONDS = 5.0
MAX_RESTARTS = 8

T = TypeVar("T")

database = ShopDatabase(None)


def configure(url: str, max_connections: int) -> None:
    """Point the process's database at ``url``. Connects to nothing yet."""
    name, params = connect_params(url)
    database.init(name, max_connections=max_connections, **params)


@contextmanager
def session(*, first: bool = False) -> Iterator[ShopDatabase]:
    """This thread's connection, for as long as the block runs; nested blocks share it.

    Where all are in use it waits for one, behind those that wait already; ``first``: before them,
    for a thread on which many requests wait. Raises ConnectionsExhausted after five seconds.
    """
    if not database.is_closed():
        yield database
        return
    if not database.slots.acquire(_CHECKOUT_SECONDS, first=first):
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
