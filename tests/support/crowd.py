"""When: many clients at once on a fleet of processes. And how to make its workers stand still."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pymysql

from infra.connections import connect_params
from tests.support.fleet import Fleet

T = TypeVar("T")


def at_once(count: int, do: Callable[[int], T], threads: int = 50) -> list[T]:
    """``do`` for each number below ``count``, so many at a time; the answers in their order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(do, range(count)))


def all_at_once(count: int, do: Callable[[int], T]) -> list[T]:
    """The same, all in the same moment."""
    start = threading.Barrier(count)

    def run(at: int) -> T:
        start.wait(30)
        return do(at)

    return at_once(count, run, threads=count)


@contextmanager
def locked_users(fleet: Fleet, *users: int) -> Iterator[None]:
    """Hold the rows of ``users``, so that whoever wants to change them stands still."""
    name, params = connect_params(fleet.services.urls.database)
    connection = pymysql.connect(database=name, **params)
    try:
        with connection.cursor() as cursor:
            marks = ",".join(["%s"] * len(users))
            cursor.execute(f"SELECT id FROM users WHERE id IN ({marks}) FOR UPDATE", users)
            yield
        connection.rollback()
    finally:
        connection.close()
