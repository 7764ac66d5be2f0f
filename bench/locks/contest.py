"""Contenders for one row, each a process with a connection of its own."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.pool import Pool

import pymysql
from redis import Redis

from bench.generator.plan import percentile
from bench.locks.ways import LEASE_SECONDS, RESOURCES, WAYS, Contender, RedisLock
from bench.stage import Stage, connect

PAUSE_SECONDS = 2 * LEASE_SECONDS
PAUSE_EVERY = 50
"""Changes of one contender between two pauses, in a contest that has them."""

_LOCK_WAIT_SECONDS = 2  # as in the shop
_REFUSALS = frozenset({1020, 1205, 1213})  # changed since read, waited too long, deadlock
_READY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Contest:
    """way, resource: their names and place in :mod:`bench.locks.ways`. seconds: of work."""

    way: str
    resource: int
    row: int
    seconds: float
    pauses: bool = False


@dataclass(slots=True)
class Outcome:
    """What one contender did, or all of them together.

    done: changes that were committed, as far as who made them knows. again: tries that came to
    nothing. failed: transactions that the database gave up. expired: locks that were lost before
    they were given back. took: seconds of each change, all its tries included.
    """

    done: int = 0
    again: int = 0
    failed: int = 0
    expired: int = 0
    took: list[float] = field(default_factory=list)
    ended: float = 0.0

    def p99_ms(self) -> float:
        return 1_000 * percentile(sorted(self.took), 0.99)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        done=sum(one.done for one in outcomes),
        again=sum(one.again for one in outcomes),
        failed=sum(one.failed for one in outcomes),
        expired=sum(one.expired for one in outcomes),
        took=[seconds for one in outcomes for seconds in one.took],
        ended=max(one.ended for one in outcomes),
    )


class Arena:
    """Processes that stand ready, so that no contest waits for them to start."""

    def __init__(self, stage: Stage, database: str, pool: Pool) -> None:
        self._stage, self._database, self._pool = stage, database, pool

    def hold(self, contest: Contest, contenders: int) -> tuple[Outcome, float, int]:
        """What they did together, changes a second, and how many changes the row does not show."""
        before = self._value(contest)
        begin = time.monotonic() + _READY_SECONDS
        urls = (self._stage.checkout.services().urls.database, self._stage.apart_redis_url)
        words = (contest, *urls, self._database, begin)
        all_of_them = together(self._pool.starmap(_contend, [words] * contenders, chunksize=1))
        step = RESOURCES[contest.resource].step
        shown = (self._value(contest) - before) * step  # a step is 1 or -1
        return all_of_them, all_of_them.done / (all_of_them.ended - begin), all_of_them.done - shown

    def _value(self, contest: Contest) -> int:
        one = RESOURCES[contest.resource]
        [(value,)] = self._stage.rows(
            f"SELECT {one.column} FROM {self._database}.{one.table} WHERE id = %s", (contest.row,)
        )
        return int(value)


@contextmanager
def arena(stage: Stage, database: str, most: int) -> Iterator[Arena]:
    """For ``most`` contenders at once."""
    with multiprocessing.get_context("spawn").Pool(most) as pool:
        pool.map(time.sleep, [0.2] * most, chunksize=1)  # all have started
        yield Arena(stage, database, pool)


def _contend(
    contest: Contest, database_url: str, redis_url: str, database: str, begin: float
) -> Outcome:
    """From ``begin`` on, by the clock that all processes share."""
    connection = connect(database_url, database)
    client = Redis.from_url(redis_url)
    outcome, paused_at = Outcome(), set[int]()

    def pause() -> None:
        """Once, however many tries the change then takes."""
        due = contest.pauses and outcome.done % PAUSE_EVERY == PAUSE_EVERY - 1
        if due and outcome.done not in paused_at:
            paused_at.add(outcome.done)
            time.sleep(PAUSE_SECONDS)

    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_WAIT_SECONDS}")
        lock = RedisLock(client)
        one = Contender(connection, RESOURCES[contest.resource], contest.row, pause, lock)
        time.sleep(max(0.0, begin - time.monotonic()))
        _work(contest, one, outcome, begin + contest.seconds)
        outcome.expired = lock.expired
        return outcome
    finally:
        connection.close()
        client.close()


def _work(contest: Contest, one: Contender, outcome: Outcome, end: float) -> None:
    """Change after change until the time is over; one that is not done by then does not count."""
    way, now = WAYS[contest.way], time.monotonic()
    began = now
    while now < end:
        try:
            changed = way(one)
        except pymysql.err.OperationalError as error:
            if error.args[0] not in _REFUSALS:
                raise
            one.connection.rollback()
            outcome.failed += 1
            changed = False
        else:
            outcome.again += not changed
        now = time.monotonic()
        if changed:
            outcome.done += 1
            outcome.took.append(now - began)
            began = now
    outcome.ended = now
