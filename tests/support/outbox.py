"""Given: events in the outbox, a relay as the scheduler has it, and eyes on the topics."""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import Any, Self, cast
from uuid import UUID

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from domain.outbox.append import append
from domain.outbox.courier import Courier
from domain.outbox.events import TOPICS, Event
from domain.outbox.leadership import Leadership, holder_name
from domain.outbox.relay import Relay
from infra.database import execute, rows, session, transaction
from infra.kafka import ensure_topics
from infra.settings import settings
from infra.topic_settings import PARTITIONS
from schedulers.outbox_relay import open_kafka

READ_SECONDS = 60.0
"""How long the topics may take to be readable again after what a test has done to the broker."""


def event(aggregate: int, number: int = 0, kind: str = "order", size: int = 0) -> Event:
    """An event that tells its aggregate and its number in it."""
    payload: dict[str, Any] = {"aggregate": aggregate, "number": number}
    if size:
        payload["filling"] = secrets.token_hex(size // 2)
    return Event(kind, aggregate, f"{kind}.happened", payload)


def given_events(*events: Event) -> list[int]:
    """Commit ``events``; their row ids."""
    with transaction():
        append(events)
        last = rows("SELECT MAX(id) FROM outbox_events")[0][0]
        found = rows("SELECT id FROM outbox_events ORDER BY id DESC LIMIT %s", (len(events),))
    assert found[0][0] == last
    return [row_id for (row_id,) in reversed(found)]


def outbox(columns: str = "status, attempts") -> list[tuple[Any, ...]]:
    """These columns of all events, in order of ids."""
    with session():
        return rows(f"SELECT {columns} FROM outbox_events ORDER BY id")


def let_retries_be_due() -> None:
    """The waits of all failed events have passed."""
    with session():
        execute("UPDATE outbox_events SET next_attempt_at = NOW(3) WHERE next_attempt_at > NOW(3)")


def let_leases_expire() -> None:
    with session():
        execute("UPDATE shard_leases SET lease_until = NOW(3)")


class ShiftedClock:
    """The monotonic clock, and time that a test lets pass."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.shift


def make_relay(
    *,
    stall_seconds: float = 10.0,
    max_attempts: int = 5,
    batch: int = 2000,
    clock: Callable[[], float] = time.monotonic,
    make_producer: Callable[[], tuple[Producer, int]] = open_kafka,
) -> Relay:
    """A relay of its own, as a scheduler process has it."""
    return Relay(
        Courier(make_producer, stall_seconds, clock),
        Leadership(holder_name(), clock),
        max_attempts=max_attempts,
        batch=batch,
        clock=clock,
    )


@dataclass(frozen=True)
class Record:
    """One record as a consumer sees it."""

    topic: str
    partition: int
    key: str
    headers: dict[str, str]
    value: bytes

    @property
    def event_id(self) -> UUID:
        return UUID(self.headers["ce_id"])


class Topics:
    """Everything that arrives in the shop's topics from now on."""

    def __init__(self) -> None:
        ensure_topics(TOPICS.values())
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings().kafka_bootstrap_servers,
                "group.id": "eyes",
                # A broker answers one connection's requests in turn: asking where a partition ends
                # would wait for a fetch that finds nothing.
                "fetch.wait.max.ms": 10,
                "reconnect.backoff.max.ms": 500,
                "topic.metadata.refresh.interval.ms": 1000,
                "metadata.recovery.rebootstrap.trigger.ms": 2000,
            }
        )
        self.records: list[Record] = []
        self._next: dict[tuple[str, int], int] = {}
        for topic in TOPICS.values():
            for partition in range(PARTITIONS):
                self._next[topic, partition] = self._end(topic, partition)
        self._consumer.assign(
            [TopicPartition(topic, part, at) for (topic, part), at in self._next.items()]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def read(self) -> Sequence[Record]:
        """All records so far: read up to the ends that the partitions have now."""
        ends = {place: self._end(*place) for place in self._next}
        deadline = time.monotonic() + READ_SECONDS
        while any(self._next[place] < end for place, end in ends.items()):
            assert time.monotonic() < deadline, "the topics cannot be read"
            for message in self._consumer.consume(1000, 0.2):
                self._take(message)
        return self.records

    def firsts(self) -> dict[str, list[UUID]]:
        """By key, the event ids in the order of their first appearance: what consumers see that
        drop repeats."""
        seen = {record.event_id: record for record in reversed(self.read())}
        ordered = [r for r in self.records if seen.get(r.event_id) is r]
        by_key = sorted(ordered, key=lambda record: f"{record.topic}/{record.key}")
        return {
            key: [record.event_id for record in of_key]
            for key, of_key in groupby(by_key, lambda record: f"{record.topic}/{record.key}")
        }

    def _take(self, message: Message) -> None:
        if message.error():
            return  # the connection's, not a record's; a record that does not come fails the read
        topic, partition = str(message.topic()), cast(int, message.partition())
        headers = {name: bytes(text or b"").decode() for name, text in message.headers() or []}
        self._next[topic, partition] = cast(int, message.offset()) + 1
        self.records.append(
            Record(
                topic,
                partition,
                cast(bytes, message.key()).decode(),
                headers,
                cast(bytes, message.value()),
            )
        )

    def _end(self, topic: str, partition: int) -> int:
        deadline = time.monotonic() + READ_SECONDS
        while True:
            try:
                place = TopicPartition(topic, partition)
                return self._consumer.get_watermark_offsets(place, 10)[1]
            except KafkaException:  # just made, or its broker just back
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
                self._ask_again()

    def _ask_again(self) -> None:
        """A broker that is back may have said before that it knows no such partition."""
        with suppress(KafkaException):
            self._consumer.list_topics(timeout=5)


def committed() -> dict[str, list[UUID]]:
    """By key, the event ids in the order in which they were committed."""
    found = outbox("aggregatetype, aggregateid, event_id")
    result: dict[str, list[UUID]] = {}
    for kind, aggregate, event_id in found:
        result.setdefault(f"{TOPICS[kind]}/{aggregate}", []).append(UUID(bytes=event_id))
    return result
