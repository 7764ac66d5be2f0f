"""What operators are told to look after."""

from dataclasses import replace

import pytest

from domain.operations.rules import (
    COUNT_LIMIT,
    Concern,
    Figures,
    LaneFigures,
    Level,
    Relay,
    concerns,
    counted,
)

WELL = Figures(
    lanes=[LaneFigures("users", 3, 1, 0.4)], outbox_pending=5, outbox_oldest_seconds=1.5,
    exports_waiting=7, relay=Relay(0.8, "up"),
)


def test_nothing_to_look_after() -> None:
    assert concerns(WELL, redis_up=True) == []


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"relay": None}, Level.DOWN, "No relay has ever run"),
        ({"relay": Relay(75.2, "up")}, Level.DOWN, "no sign of life for 75 s"),
        ({"relay": Relay(1.0, "away")}, Level.DOWN, "Kafka is away"),
        ({"lanes": [LaneFigures("coupons", 9, 0, 1234.5)]}, Level.WARNING, "coupons is 1,234 s"),
        ({"outbox_oldest_seconds": 61.0}, Level.WARNING, "oldest event has waited for 61 s"),
        ({"failed": 1}, Level.WARNING, "1 job failed for a system reason."),
        ({"failed": 2}, Level.WARNING, "2 jobs failed"),
        ({"outbox_dead": 1}, Level.WARNING, "1 event is dead."),
        ({"exports_dead": COUNT_LIMIT}, Level.WARNING, "10,000+ exports were given up."),
    ],
)
def test_one_thing_to_look_after(change: dict[str, object], level: Level, words: str) -> None:
    [found] = concerns(replace(WELL, **change), redis_up=True)  # type: ignore[arg-type]
    assert found.level == level
    assert words in found.text


def test_the_worst_comes_first() -> None:
    found = concerns(replace(WELL, failed=2, relay=None), redis_up=False)
    assert [one.level for one in found] == [Level.DOWN, Level.WARNING, Level.WARNING]


def test_without_the_database_nothing_else_is_known() -> None:
    found = concerns(None, redis_up=True)
    assert found == [Concern(Level.DOWN, "The database is down: nothing is accepted or done.")]


def test_kafka_is_unknown_while_no_relay_tells() -> None:
    assert WELL.kafka == "up"
    assert replace(WELL, relay=Relay(10.5, "up")).kafka == "unknown"
    assert replace(WELL, relay=None).kafka == "unknown"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (1234, "1,234"), (9999, "9,999"), (10_000, "10,000+")]
)
def test_counts_as_people_read_them(number: int, text: str) -> None:
    assert counted(number) == text
