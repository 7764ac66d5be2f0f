"""Reads whole topics, from their beginning to where they ended when asked; leaves no trace.

No consumer group takes part: partitions are assigned by hand and no offset is ever committed.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource

_ANSWER_SECONDS = 5.0
_SILENCE_SECONDS = 30.0
_BATCH = 10_000
_POLL_SECONDS = 0.1
_PASSING = (
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)
_FOR_EVER = 10 * 365 * 24 * 3600 * 1000


class TopicsUnreadable(Exception):
    """The broker is away, or stopped answering; the message is one line, fit to be shown."""


@dataclass(frozen=True, slots=True)
class Record:
    """One message and its place."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since the epoch."""
    key: bytes | None
    headers: dict[str, bytes]
    value: bytes | None = None


class TopicReader:
    """One reading of ``topics``; those that do not exist hold nothing.

    Where the partitions end is decided when it is made. Raises TopicsUnreadable, also later.
    """

    def __init__(self, bootstrap_servers: str, topics: Sequence[str]) -> None:
        self._config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 0,  # what goes wrong is raised
        }
        self._consumer = Consumer(
            {
                **self._config,
                "group.id": "topic-reader",  # required by the client; never joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
            }
        )
        try:
            self._ends = self._find_ends(topics)
        except KafkaException as error:
            self._consumer.close()
            raise TopicsUnreadable(_one_line(error)) from error

    def close(self) -> None:
        self._consumer.close()

    def _find_ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """Of each partition that holds anything: where it ends now."""
        known = self._consumer.list_topics(timeout=_ANSWER_SECONDS).topics
        ends = {}
        for topic in topics:
            for partition in known[topic].partitions if topic in known else ():
                first, end = self._watermarks(TopicPartition(topic, partition))
                if end > first:
                    ends[topic, partition] = end
        return ends

    def _watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        """Where a partition begins and ends; asked again while it changes its leader."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            try:
                first, end = self._consumer.get_watermark_offsets(
                    partition, timeout=_ANSWER_SECONDS
                )
                return first, end
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)

    def retention_milliseconds(self) -> int:
        """The shortest retention among the topics read, ten years at most.

        Raises TopicsUnreadable.
        """
        topics = sorted({topic for topic, _ in self._ends})
        resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
        shortest = _FOR_EVER
        if not resources:
            return shortest
        try:
            admin = AdminClient(self._config)  # its answers go with it
            asked = admin.describe_configs(resources, request_timeout=_ANSWER_SECONDS)
            for future in asked.values():
                kept = int(future.result()["retention.ms"].value)
                shortest = min(shortest, kept) if kept >= 0 else shortest
        except KafkaException as error:
            raise TopicsUnreadable(_one_line(error)) from error
        return shortest

    def records(self) -> Iterator[Record]:
        """Every record before the ends, in the order of each partition. Raises TopicsUnreadable."""
        left = dict(self._ends)
        self._consumer.assign(
            [TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in left]
        )
        heard = time.monotonic()
        while left:
            messages = self._consumer.consume(_BATCH, timeout=_POLL_SECONDS)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                raise TopicsUnreadable(f"Kafka gave nothing for {_SILENCE_SECONDS:.0f} s")
            for message in messages:
                yield from self._take(message, left)

    def _take(self, message: Message, left: dict[tuple[str, int], int]) -> Iterator[Record]:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            raise TopicsUnreadable(f"Kafka reported: {message.error()}")
        at = (topic, partition)
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise TopicsUnreadable(str(error.str()))
            left.pop(at, None)
            return
        if offset >= self._ends[at]:
            left.pop(at, None)
            return
        if offset == self._ends[at] - 1:
            left.pop(at, None)
        headers = cast("list[tuple[str, str | bytes | None]]", message.headers() or [])
        yield Record(
            topic, partition, offset, message.timestamp()[1], message.key(),
            {name: value for name, value in headers if isinstance(value, bytes)},
            message.value(),
        )


def _one_line(error: KafkaException) -> str:
    cause = error.args[0] if error.args else error
    return cause.str() if isinstance(cause, KafkaError) else str(cause)
