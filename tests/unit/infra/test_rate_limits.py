"""Counting in windows that processes share; Redis is a dictionary here."""

import pytest
from limits import parse
from redis.exceptions import RedisError

from infra import metrics
from infra.rate_limits import MAX_WINDOWS, SharedWindow, storage_uri


class Counts:
    """What Redis does: adds up, or is away. Counts how often it is asked."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.asked = 0
        self.away = False

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self.asked += 1
        if self.away:
            raise RedisError("away")
        self.values[key] = self.values.get(key, 0) + amount
        return self.values[key]


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(autouse=True)
def _any_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(self: SharedWindow, storage: object) -> None:
        self.storage = storage  # type: ignore[assignment]

    monkeypatch.setattr("limits.strategies.RateLimiter.__init__", init)


def process(counts: Counts, time: Time) -> SharedWindow:
    return SharedWindow(counts, time, time)  # type: ignore[arg-type]


def test_a_small_limit_is_exact_over_all_processes(counts: Counts, time: Time) -> None:
    limit = parse("5 per minute")
    processes = [process(counts, time) for _ in range(3)]
    answers = [processes[at % 3].hit(limit, "user:1", "commands") for at in range(9)]
    assert answers == [True] * 5 + [False] * 4
    # And others are not touched by it
    assert processes[0].hit(limit, "user:2", "commands")
    assert processes[0].hit(limit, "user:1", "reads")


def test_a_large_limit_asks_redis_seldom(counts: Counts, time: Time) -> None:
    limit = parse("60000 per minute")
    one = process(counts, time)
    assert all(one.hit(limit, "user:1", "commands") for _ in range(5_999))
    assert counts.asked == 9
    # And whoever sends little never asks it
    assert all(one.hit(limit, f"user:{at}", "commands") for at in range(2, 100))
    assert counts.asked == 9


def test_a_large_limit_is_passed_by_a_hundredth_a_process_at_most(
    counts: Counts, time: Time
) -> None:
    limit = parse("1000 per minute")
    processes = [process(counts, time) for _ in range(4)]
    answers = [processes[at % 4].hit(limit, "user:1", "commands") for at in range(3_000)]
    assert 1_000 <= sum(answers) <= 1_000 + 4 * 10


def test_a_new_window_begins_anew(counts: Counts, time: Time) -> None:
    limit = parse("2 per minute")
    one = process(counts, time)
    assert [one.hit(limit, "u", "c") for _ in range(3)] == [True, True, False]
    stats = one.get_window_stats(limit, "u", "c")
    assert stats.remaining == 0
    assert 0 < stats.reset_time - time.now <= 60
    # When it has ended
    time.now = stats.reset_time
    assert one.get_window_stats(limit, "u", "c").remaining == 2
    assert [one.hit(limit, "u", "c") for _ in range(3)] == [True, True, False]


def test_windows_of_different_callers_end_at_different_times(counts: Counts, time: Time) -> None:
    limit, one = parse("2 per minute"), process(counts, time)
    ends = {one.get_window_stats(limit, f"user:{at}", "c").reset_time for at in range(50)}
    assert len(ends) > 20


def test_whoever_is_over_the_limit_costs_nothing_more(counts: Counts, time: Time) -> None:
    limit, one = parse("2 per minute"), process(counts, time)
    for _ in range(3):
        one.hit(limit, "u", "c")
    asked = counts.asked
    assert not any(one.hit(limit, "u", "c") for _ in range(100))
    assert counts.asked == asked


def test_without_redis_everybody_is_let_through_and_it_is_asked_once_a_second(
    counts: Counts, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    limit, one = parse("2 per minute"), process(counts, time)
    before = metrics.rate_limits_unchecked._value.get()
    counts.away = True
    assert all(one.hit(limit, "u", "c") for _ in range(50))
    assert counts.asked == 1
    assert metrics.rate_limits_unchecked._value.get() == before + 50
    # When a second has passed, Then one asks again
    time.now += 1.0
    assert all(one.hit(limit, "u", "c") for _ in range(50))
    assert counts.asked == 2
    # And when it is back, limits hold again
    counts.away = False
    time.now += 1.0
    assert not one.hit(limit, "u", "c")
    assert [one.hit(limit, "v", "c") for _ in range(3)] == [True, True, False]


def test_memory_is_bounded(counts: Counts, time: Time) -> None:
    limit, one = parse("1000 per minute"), process(counts, time)
    for at in range(MAX_WINDOWS + 10):
        one.hit(limit, f"user:{at}", "c")
    assert len(one._windows) <= MAX_WINDOWS


def test_the_url_of_a_socket() -> None:
    assert storage_uri("unix:///run/redis.sock?db=0") == "redis+unix:///run/redis.sock?db=0"
    assert storage_uri("redis://h:1/0") == "redis://h:1/0"
