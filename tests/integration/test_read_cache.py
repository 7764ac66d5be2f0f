"""Answers kept in Redis for less than a second: once for the whole fleet, and never too old."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from infra import read_cache as module
from infra.read_cache import FRESH_MILLISECONDS, Circuit, ReadCache
from infra.redis import connect
from infra.settings import settings
from tests.support.rush import at_once
from tests.support.waiting import eventually


class Shop:
    """Stands for the database: what is true now, and how often it was asked."""

    def __init__(self, truth: Any = 1) -> None:
        self.truth = truth
        self.asked = 0
        self._lock = threading.Lock()

    def read(self) -> Any:
        with self._lock:
            self.asked += 1
        return {"truth": self.truth}


class SlowReader:
    """A process that has read the database, and is held up before it can tell."""

    def __init__(self, cache: ReadCache, shop: Shop) -> None:
        self._read, self._may_go_on = threading.Event(), threading.Event()
        self.told: Any = None

        def load() -> Any:
            found = shop.read()
            self._read.set()
            assert self._may_go_on.wait(10)
            return found

        def run() -> None:
            self.told = cache.get("thing", "1", load)

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert self._read.wait(10)

    def go_on(self) -> None:
        self._may_go_on.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def a_process() -> ReadCache:
    """The cache of one web process: each has its own, and they share Redis alone."""
    return ReadCache(connect(settings().redis_url, answer_seconds=2.0))


def get(cache: ReadCache, shop: Shop) -> Any:
    return cache.get("thing", "1", shop.read)["truth"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> None:
    """No lock runs out and no reader gives up, however busy the machine."""
    monkeypatch.setattr(module, "LOCK_MILLISECONDS", 30_000)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 30.0)


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    """And what is kept lasts."""
    monkeypatch.setattr(module, "FRESH_MILLISECONDS", 30_000)


@pytest.mark.usefixtures("lasting")
def test_what_one_process_read_the_others_are_told() -> None:
    shop = Shop()
    assert [get(a_process(), shop) for _ in range(5)] == [1] * 5
    assert shop.asked == 1


@pytest.mark.usefixtures("lasting")
def test_an_answers_age_counts_from_before_the_read(redis: Redis) -> None:
    shop, began = Shop(), time.time() * 1000
    read_at: list[float] = []

    def load() -> Any:
        read_at.append(time.time() * 1000)
        time.sleep(0.05)
        return shop.read()

    # When an answer is kept
    a_process().get("thing", "1", load)
    # Then it ends so long after a moment between its beginning and the read, by Redis's clock
    counted_from = redis.pexpiretime("{reads}:thing:1") - module.FRESH_MILLISECONDS
    assert began - 2 <= counted_from <= read_at[0] + 2


@pytest.mark.usefixtures("redis")
def test_an_answer_runs_out_within_a_second() -> None:
    # Given how long it is kept, and how long Redis may take to tell it
    assert FRESH_MILLISECONDS / 1000 + module.ANSWER_SECONDS <= 1
    shop, cache = Shop(), a_process()
    get(cache, shop)
    # When the truth changes without anybody saying so, Then it is told when that has run out
    shop.truth = 2
    eventually(lambda: get(cache, shop) == 2, 3)


@pytest.mark.usefixtures("patient")
def test_a_slow_read_is_kept_for_less_long(redis: Redis) -> None:
    # Given a read that takes longer than an answer may be old
    shop, cache = Shop(), a_process()

    def slowly() -> Any:
        found = shop.read()
        time.sleep(FRESH_MILLISECONDS / 1000 + 0.05)
        return found

    # When it has been told
    assert cache.get("thing", "1", slowly) == {"truth": 1}
    # Then nobody else is told the same: it is too old by now
    assert not redis.exists("{reads}:thing:1")
    shop.truth = 2
    assert get(a_process(), shop) == 2


@pytest.mark.usefixtures("lasting")
def test_a_stampede_asks_the_database_once(redis: Redis) -> None:
    # Given four processes, whose fifty clients each want an answer that has run out
    shop, processes = Shop(), [a_process() for _ in range(4)]
    get(processes[0], shop)
    redis.delete("{reads}:thing:1")
    shop.asked = 0

    def slowly() -> Any:
        time.sleep(0.1)  # so that all of them are there before it is told
        return shop.read()

    def client(cache: ReadCache) -> Callable[[], object]:
        return lambda: cache.get("thing", "1", slowly)

    # When all come at once
    at_once(*[client(processes[number % 4]) for number in range(200)])
    # Then one query is made
    assert shop.asked == 1


@pytest.mark.usefixtures("lasting")
def test_a_change_shows_at_once_to_all_processes() -> None:
    shop, here, there = Shop(), a_process(), a_process()
    assert (get(here, shop), get(there, shop)) == (1, 1)
    with here.changing():
        shop.truth = 2
    assert (get(here, shop), get(there, shop)) == (2, 2)
    # And one whose transaction ended in doubt counts as made

    def lose_the_answer() -> None:
        with there.changing():
            shop.truth = 3
            raise ConnectionError("the answer to COMMIT was lost")

    with pytest.raises(ConnectionError):
        lose_the_answer()
    assert (get(here, shop), get(there, shop)) == (3, 3)


@pytest.mark.usefixtures("lasting")
def test_a_slow_reader_brings_nothing_back_from_before_a_change() -> None:
    shop, here, there = Shop(), a_process(), a_process()
    # Given a reader that has read, but not told yet
    slow = SlowReader(here, shop)
    # When a change is made meanwhile, and only then the reader tells
    with there.changing():
        shop.truth = 2
    slow.go_on()
    # Then it has told its own client what was there when that one asked, and nobody else
    assert slow.told == {"truth": 1}
    assert (get(here, shop), get(there, shop)) == (2, 2)


@pytest.mark.usefixtures("lasting")
def test_after_a_change_nobody_waits_for_a_reader_from_before_it() -> None:
    shop, here, there = Shop(), a_process(), a_process()
    slow = SlowReader(here, shop)
    with there.changing():
        shop.truth = 2
    # When others read while that one is still held up, Then they read for themselves
    assert get(there, shop) == 2
    slow.go_on()
    assert get(here, shop) == 2
    assert shop.asked == 2


@pytest.mark.usefixtures("redis")
def test_a_reader_whose_lock_ran_out_does_not_replace_newer_answers(
    monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    monkeypatch.setattr(module, "FRESH_MILLISECONDS", 30_000)
    monkeypatch.setattr(module, "LOCK_MILLISECONDS", 50)
    shop, here, there = Shop(), a_process(), a_process()
    slow = SlowReader(here, shop)
    shop.truth = 2  # as a sale does, which nobody is told of
    # When its lock has run out, and another process reads in its place
    eventually(lambda: not redis.exists("{reads}:thing:1:lock"))
    assert get(there, shop) == 2
    slow.go_on()
    # Then what it brings in the end is dropped
    assert get(a_process(), shop) == 2


@pytest.mark.usefixtures("lasting")
def test_redis_emptied_under_a_reader(redis: Redis) -> None:
    shop, here = Shop(), a_process()
    slow = SlowReader(here, shop)
    redis.flushall()
    with a_process().changing():
        shop.truth = 2
    redis.flushall()
    # When Redis has forgotten that there was a change, Then it has forgotten the reader too
    slow.go_on()
    assert get(a_process(), shop) == 2


@pytest.mark.usefixtures("lasting")
def test_a_reader_that_fails_is_followed_at_once(redis: Redis) -> None:
    def fails() -> Any:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        a_process().get("thing", "1", fails)
    # Then its lock is free
    assert redis.keys() == []
    assert get(a_process(), Shop()) == 1


@pytest.mark.usefixtures("lasting")
def test_nothing_is_kept_of_what_is_not_there(redis: Redis) -> None:
    for _ in range(2):
        assert a_process().get("list", "no such category", list) == []
    assert redis.keys() == []


DAMAGED = [b"", b":", b"rubbish", b'{"truth": 9}', b'12345678{"truth": 9}', b"\xff" * 40]


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("damaged", [*DAMAGED, "list", "hash"])
def test_what_is_not_ours_counts_for_nothing(redis: Redis, damaged: bytes | str) -> None:
    shop, place = Shop(), "{reads}:thing:1"
    get(a_process(), shop)
    epoch, _, _ = redis.get(place).partition(b":")
    # Given something else in the value's place, in the present epoch
    redis.delete(place)
    if damaged == "list":
        redis.rpush(place, "x")
    elif damaged == "hash":
        redis.hset(place, "a", "b")
    else:
        redis.set(place, epoch + b":" + damaged)  # type: ignore[operator]
    # When it is asked for, Then the database tells, and that is kept again
    assert [get(a_process(), shop) for _ in range(3)] == [1] * 3
    assert shop.asked == 2


@pytest.mark.usefixtures("lasting")
def test_another_releases_format_counts_for_nothing(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORMAT", b"0")
    a_process().get("thing", "1", lambda: {"truth": "old"})
    monkeypatch.undo()
    shop = Shop()
    assert get(a_process(), shop) == 1
    # And a value in the place of another is none
    redis.copy("{reads}:thing:1", "{reads}:thing:2")
    assert a_process().get("thing", "2", lambda: {"truth": 2}) == {"truth": 2}


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("kind", ["list", "string"])
def test_rubbish_in_the_place_of_the_epoch_and_the_lock(redis: Redis, kind: str) -> None:
    for key in ("{reads}:epoch", "{reads}:thing:1:lock"):
        if kind == "list":
            redis.rpush(key, "x")
        else:
            redis.set(key, "x:y:z")
    shop, cache = Shop(), a_process()
    assert get(cache, shop) == 1
    with cache.changing():
        shop.truth = 2
    assert get(a_process(), shop) == 2


@pytest.mark.usefixtures("lasting")
def test_every_key_but_the_epoch_runs_out(redis: Redis) -> None:
    cache = a_process()
    cache.forget()
    slow = SlowReader(cache, Shop())
    assert 0 < redis.pttl("{reads}:thing:1:lock") <= module.LOCK_MILLISECONDS
    slow.go_on()
    assert set(redis.keys()) == {b"{reads}:epoch", b"{reads}:thing:1"}
    assert 0 < redis.pttl("{reads}:thing:1") <= module.FRESH_MILLISECONDS


class TestRedisAway:
    @pytest.fixture
    def nobody(self) -> ReadCache:
        """A process whose Redis is at a port where nothing listens."""
        return ReadCache(connect("redis://127.0.0.1:1/0", 0.2, 0.2, patient=False))

    def test_the_database_is_asked(self, nobody: ReadCache) -> None:
        shop = Shop()
        assert [get(nobody, shop) for _ in range(3)] == [1] * 3
        assert shop.asked == 3
        assert nobody.away
        # And a change still shows at once
        with nobody.changing():
            shop.truth = 2
        assert get(nobody, shop) == 2

    def test_a_crowd_does_not_become_a_crowd_of_queries(self, nobody: ReadCache) -> None:
        shop = Shop()

        def slowly() -> Any:
            time.sleep(0.05)
            return shop.read()

        at_once(*[lambda: nobody.get("thing", "1", slowly)] * 50)
        # Then each of the fifty was told what was read after they came, by hardly any queries
        assert shop.asked < 10

    def test_nobody_waits_long_for_one_that_says_nothing(
        self, redis: Redis
    ) -> None:
        cache = ReadCache(connect(settings().redis_url, 0.2, 0.2, patient=False))
        shop = Shop()
        get(cache, shop)
        # Given a Redis that keeps its connections and answers none of them
        redis.execute_command("CLIENT", "PAUSE", 4000, "ALL")
        waits = []
        for _ in range(40):
            began = time.monotonic()
            assert get(cache, shop) == 1
            waits.append(time.monotonic() - began)
        # Then the first one waits for the time-out, and hardly any other
        assert sorted(waits)[-1] < 1.0
        assert sum(wait > 0.15 for wait in waits) <= 3
        # And when it answers again, it is asked again
        eventually(lambda: get(cache, shop) == 1 and not cache.away, 15)


def test_the_circuit_lets_one_try_when_the_rest_is_over() -> None:
    now = [0.0]
    circuit = Circuit(lambda: now[0])
    assert circuit.lets_through()
    circuit.failed()
    assert circuit.open
    assert not circuit.lets_through()
    # When the rest is over, Then one may try, and the others wait for what becomes of it
    now[0] = module.REST_SECONDS
    assert [circuit.lets_through() for _ in range(3)] == [True, False, False]
    assert circuit.open
    circuit.worked()
    assert [circuit.lets_through() for _ in range(3)] == [True] * 3
    assert not circuit.open
