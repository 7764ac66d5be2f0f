"""The ways that `lock-strategies` compares do what they say they do."""

import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from bench.locks.contest import Outcome, together
from bench.locks.ways import LEASE_SECONDS, WAYS, Contender, RedisLock, Resource
from bench.stage import connect
from tests.support.services import TestServices

_RESOURCE = Resource("amount", "contended", "amount", -1, "amount >= 1")

Make = Callable[[Callable[[], None]], Contender]


@pytest.fixture
def contender(services: TestServices, database: None, redis: Redis) -> Iterator[Make]:
    """Makes one for a row with 10; its table is its connection's own."""
    connection = connect(services.urls.database)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE contended (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL, "
            "version BIGINT NOT NULL DEFAULT 0)"
        )
        cursor.execute("INSERT INTO contended (id, amount) VALUES (7, 10), (8, 10)")
    connection.commit()
    yield lambda pause: Contender(connection, _RESOURCE, 7, pause, RedisLock(redis))
    connection.close()


def _amounts(one: Contender) -> list[int]:
    with one.connection.cursor() as cursor:
        cursor.execute("SELECT amount FROM contended ORDER BY id")
        return [amount for (amount,) in cursor.fetchall()]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_takes_one_from_its_row(contender: Make, way: str) -> None:
    one = contender(lambda: None)

    assert WAYS[way](one)
    assert WAYS[way](one)
    one.connection.rollback()  # what is not committed would go
    assert _amounts(one) == [8, 10]


def test_a_version_that_moved_is_tried_again(contender: Make) -> None:
    def somebody_else_writes() -> None:
        with one.connection.cursor() as cursor:
            cursor.execute("UPDATE contended SET amount = 5, version = version + 1 WHERE id = 7")
        one.connection.commit()

    one = contender(somebody_else_writes)

    assert not WAYS["version"](one)
    assert _amounts(one) == [5, 10]


def test_a_lock_in_redis_does_not_hold_through_a_pause(contender: Make) -> None:
    one = contender(lambda: time.sleep(2 * LEASE_SECONDS))

    assert WAYS["redis_alone"](one)
    assert one.lock.expired == 1


def test_a_lock_that_somebody_holds_is_waited_for(contender: Make, redis: Redis) -> None:
    one = contender(lambda: None)
    redis.set("lock:contended:7", "somebody's", px=60_000)

    assert not WAYS["redis_alone"](one)
    assert _amounts(one) == [10, 10]


def test_contenders_are_counted_together() -> None:
    both = together([
        Outcome(done=2, again=1, took=[0.001, 0.002], ended=5.0),
        Outcome(done=1, failed=3, expired=4, took=[0.5], ended=4.0),
    ])

    assert (both.done, both.again, both.failed, both.expired, both.ended) == (3, 1, 3, 4, 5.0)
    assert both.p99_ms() == 500
