"""The ways. Each reads what is there, decides that there is enough, and writes what is left."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pymysql
from redis import Redis

from fleet.layout import PROJECT

LEASE_SECONDS = 0.05
"""Of the lock in Redis: many times what a change takes, and less than a contender may pause."""

_WAIT_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Resource:
    """A column of one row. step: what a change adds. room: in SQL, whether a change is allowed."""

    name: str
    table: str
    column: str
    step: int
    room: str


RESOURCES = (
    Resource("balance", "users", "balance", -1, "balance >= 1"),
    Resource("stock", "products", "stock", -1, "stock >= 1"),
    Resource("coupon count", "coupons", "issued_quantity", 1, "issued_quantity < max_quantity"),
)


class RedisLock:
    """One key, by the scripts of the shop's own locks."""

    def __init__(self, client: Redis) -> None:
        scripts = PROJECT / "infra" / "scripts"
        self._acquire = client.register_script((scripts / "lock_acquire.lua").read_text())
        self._release = client.register_script((scripts / "lock_release.lua").read_text())
        self._token = os.urandom(16).hex()
        self.expired = 0
        """How often it was not ours any more when it was given back."""

    def acquire(self, key: str) -> bool:
        return bool(self._acquire([key], [self._token, int(LEASE_SECONDS * 1_000)]))

    def release(self, key: str) -> None:
        self.expired += not self._release([key], [self._token])


@dataclass(frozen=True, slots=True)
class Contender:
    """What a way works with. pause: called between what is read and what is written."""

    connection: "pymysql.Connection[Any]"
    resource: Resource
    row: int
    pause: Callable[[], None]
    lock: RedisLock

    def read(self, columns: str, how: str = "") -> tuple[Any, ...]:
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {columns}, {self.resource.room} FROM {self.resource.table} "
                f"WHERE id = %s {how}", (self.row,)
            )
            [found] = cursor.fetchall()
        if not found[-1]:
            raise RuntimeError(f"the {self.resource.name} is used up")
        return tuple(found)

    def write(self, changes: str, *values: int, where: str = "") -> bool:
        """Whether a row was changed; it is committed then."""
        with self.connection.cursor() as cursor:
            changed = cursor.execute(
                f"UPDATE {self.resource.table} SET {changes} WHERE id = {self.row} {where}", values
            )
        if changed:
            self.connection.commit()
        else:
            self.connection.rollback()
        return bool(changed)


def for_update(one: Contender) -> bool:
    """Lock the row, then write."""
    now, _ = one.read(one.resource.column, "FOR UPDATE")
    one.pause()
    return one.write(f"{one.resource.column} = %s", now + one.resource.step)


def version(one: Contender) -> bool:
    """Write if nobody has written since; else try again."""
    now, known, _ = one.read(f"{one.resource.column}, version")
    one.pause()
    return one.write(
        f"{one.resource.column} = %s, version = version + 1", now + one.resource.step, known,
        where="AND version = %s",
    )


def conditional(one: Contender) -> bool:
    """Let the database read, decide and write in one statement."""
    one.pause()
    column = one.resource.column
    return one.write(
        f"{column} = {column} + %s", one.resource.step, where=f"AND {one.resource.room}"
    )


def redis_alone(one: Contender) -> bool:
    """Read and write under a lock in Redis, which nothing in the database makes up for."""
    key = f"lock:{one.resource.table}:{one.row}"
    if not one.lock.acquire(key):
        time.sleep(_WAIT_SECONDS * (0.5 + random.random()))  # noqa: S311
        return False
    try:
        now, _ = one.read(one.resource.column)
        one.pause()
        return one.write(f"{one.resource.column} = %s", now + one.resource.step)
    finally:
        one.lock.release(key)


Way = Callable[[Contender], bool]
"""One try: whether it changed the row; if not, another try is due."""

WAYS: dict[str, Way] = {
    "for_update": for_update, "version": version, "conditional": conditional,
    "redis_alone": redis_alone,
}
SHOWN = {
    "for_update": "SELECT … FOR UPDATE, UPDATE",
    "version": "UPDATE … WHERE version = ?",
    "conditional": "UPDATE … WHERE enough is left",
    "redis_alone": "lock in Redis alone",
}
