"""What a stream tells of what it reads to whoever watches for a standstill."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from workers.consumers import standstill, stream
from workers.consumers.standstill import StoodStill
from workers.consumers.stream import Stream

TOPIC = "orders.events"
FULL = 3
ROUNDS = 6


@dataclass
class Message:
    number: int
    error_of_kafka: Any = None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return 0

    def error(self) -> Any:
        return self.error_of_kafka


class Client:
    """Has partitions 0 and 1. Of the second a message waits that never comes; of the first each
    round reads what ``reads`` is."""

    def __init__(self, stop: threading.Event, reads: Sequence[Message]) -> None:
        self._stop = stop
        self._reads = list(reads)
        self._rounds = 0
        self.gives_up: list[int] = []
        self.closed = False
        self.when_asked: Callable[[], None] = lambda: None

    def subscribe(self, _topics: Sequence[str], *, on_assign: Any, on_revoke: Any) -> None:
        self._on_assign, self._on_revoke = on_assign, on_revoke

    def consume(self, most: int, _seconds: float) -> list[Message]:
        if most > 1:
            return self._reads[1:]
        self._rounds += 1
        if self._rounds == 1:
            self._on_assign(self, [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)])
            self._on_revoke(self, [TopicPartition(TOPIC, number) for number in self.gives_up])
        if self._rounds > ROUNDS:
            self._stop.set()
            return []
        return self._reads[:1]

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        self.when_asked()
        return (0, 6) if place.partition else (0, 1)

    def position(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, one.partition, 5 if one.partition else 1) for one in places]

    def commit(self, **_how: Any) -> None:
        pass

    def close(self) -> None:
        self.closed = True


Run = Callable[..., Client]


@pytest.fixture
def effects() -> list[int]:
    return []


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, effects: list[int]) -> Run:
    """Runs a stream whose client reads these, round by round, until it is told to stop."""
    event = SimpleNamespace(event_id=None)
    monkeypatch.setattr(standstill, "STILL_SECONDS", 0.0)
    monkeypatch.setattr(stream, "REST_SECONDS", 0.0)
    monkeypatch.setattr(stream, "BATCH", FULL)
    monkeypatch.setattr(stream, "ensure_topics", lambda *_args, **_more: None)
    monkeypatch.setattr(stream, "settings", lambda: SimpleNamespace(kafka_group_prefix="test"))
    monkeypatch.setattr(stream, "lost_among", lambda _ids: set())
    monkeypatch.setattr(stream, "parse", lambda _message: event)

    def one(*reads: Message, given: Callable[[Client, threading.Event], None] | None = None
            ) -> Client:
        stop = threading.Event()
        client = Client(stop, reads)
        if given is not None:
            given(client, stop)
        monkeypatch.setattr(stream, "consumer", lambda _group, _committed: client)
        watched = Stream("watched", [TOPIC], lambda events: effects.append(len(events)))
        try:
            watched.run(stop)
        finally:
            assert client.closed
        return client

    return one


def test_a_partition_that_gets_nothing_beside_one_that_flows_ends_the_stream(run: Run) -> None:
    with pytest.raises(StoodStill, match=r"orders\.events\[1\]"):
        run(Message(0))


def test_a_partition_that_gets_nothing_ends_the_stream(run: Run) -> None:
    with pytest.raises(StoodStill, match=r"orders\.events\[1\]"):
        run()


def test_behind_full_batches_nothing_is_held_against_the_client(
    run: Run, effects: list[int]
) -> None:
    run(Message(0), Message(0), Message(0))
    assert effects == [3] * ROUNDS


def test_what_kafka_says_of_itself_fills_a_batch_too(run: Run, effects: list[int]) -> None:
    trouble = SimpleNamespace(fatal=lambda: False)
    run(Message(0), Message(0), Message(0, trouble))
    assert effects == [2] * ROUNDS


def test_a_partition_that_was_given_up_is_not_looked_at(run: Run) -> None:
    run(Message(0), given=lambda client, _stop: client.gives_up.append(1))


def test_who_is_told_to_stop_while_kafka_is_asked_begins_nothing_more(
    run: Run, effects: list[int]
) -> None:
    def given(client: Client, stop: threading.Event) -> None:
        client.when_asked = stop.set

    run(Message(0), given=given)
    assert effects == []
