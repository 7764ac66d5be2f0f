"""Kafka: producers, consumers, and the topics that both count on.

Clients are made by the process that uses them, after any fork: librdkafka's threads do not survive
one. Nothing here is made at import.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, NewTopic, ResourceType

from infra.settings import settings
from infra.topic_settings import (
    BATCH_OVERHEAD_BYTES,
    CLEANUP_POLICY,
    MAX_MESSAGE_BYTES,
    PARTITIONS,
    RETENTION_MILLISECONDS,
    TOPIC_MAX_MESSAGE_BYTES,
)

_REQUEST_SECONDS = 10.0

log = structlog.get_logger(__name__)
library_log = logging.getLogger("librdkafka")
# Said of a property that is set on purpose, and of each producer that the relay gives up.
_EXPECTED = ("enable.gapless.guarantee", "Gap-less ordering")
library_log.addFilter(lambda record: not any(part in record.getMessage() for part in _EXPECTED))


def producer(max_message_bytes: int = MAX_MESSAGE_BYTES) -> Producer:
    """An idempotent producer that never gives up on a message by itself.

    ``message.timeout.ms=0``: whether Kafka is away is the caller's judgement, by its own clock.
    With the gap-less guarantee a refused message is fatal to the producer: nothing that stands
    behind it in its partition is sent any more, and what was on its way is rejected for the gap, so
    a refusal does not reorder. (Except that to a broker which has nothing of this producer in that
    partition yet, the batch right behind the refused one looks like its first.) ``poll`` then
    raises KafkaException; the caller purges, discards the producer and makes another.

    ``max_message_bytes`` bounds batches too: see :func:`ensure_topics`.
    """
    return Producer(
        {
            **_common(),
            "acks": "all",
            "enable.idempotence": True,
            "enable.gapless.guarantee": True,
            "message.timeout.ms": 0,
            "linger.ms": 2,
            "compression.type": "lz4",
            "message.max.bytes": max_message_bytes,
            "batch.size": max_message_bytes,
            "queue.buffering.max.kbytes": 65_536,
            "partitioner": "murmur2_random",  # what Java's producers use: one key, one partition
        },
        logger=library_log,
    )


Committed = Callable[[KafkaError | None, list[TopicPartition]], None]
"""Is told what became of a commit: an error, or the places, of which each may have one."""


def consumer(group: str, committed: Committed) -> Consumer:
    """A consumer of ``group``, which reads what it subscribes to from the beginning.

    Offsets are committed by the caller, after the work, and without waiting: a commit that is
    waited for does not return for as long as Kafka does not answer, nor sometimes ever
    (confluent-kafka-python, issue 1801). ``committed`` is called during later calls of the client.
    A consumer that died is missed after ten seconds.
    """
    return Consumer(
        {
            **_common(),
            "group.id": group,
            "enable.auto.commit": False,
            "on_commit": committed,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 3_000,
            # The broker answers when there is this much, or after this long: not for each of the
            # relay's rounds, of which there are 25 a second. Nobody is promised less than seconds.
            "fetch.min.bytes": 65_536,
            "fetch.wait.max.ms": 200,
        },
        logger=library_log,
    )


def ensure_topics(topics: Iterable[str], wait_seconds: float = 30.0) -> int:
    """Make the missing ones of ``topics``; return how large a message they all take, in bytes.

    Waits up to ``wait_seconds`` for a broker; safe to repeat and to race. A topic that exists is
    left as it is: one with other partitions is named in the log, since changing their number would
    move keys; one that takes smaller messages lowers the result.

    Raises KafkaException when no broker answers in time, or a topic can be neither found nor made.
    """
    wanted = list(topics)
    admin = AdminClient(_common(), logger=library_log)
    existing = _partitions(admin, wait_seconds)
    for topic in wanted:
        if existing.get(topic, PARTITIONS) != PARTITIONS:
            log.warning(
                "topic has other partitions than ours would",
                topic=topic, partitions=existing[topic], expected=PARTITIONS,
            )
    _create(admin, [topic for topic in wanted if topic not in existing])
    return max(1_000, min(MAX_MESSAGE_BYTES, _largest_batch(admin, wanted) - BATCH_OVERHEAD_BYTES))


def _common() -> dict[str, str | int | float | bool]:
    return {
        "bootstrap.servers": settings().kafka_bootstrap_servers,
        "client.id": "shop",
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2_000,
        # A broker that has just come back may not know its topics yet, nor itself. By default a
        # client that was told so asks again after five minutes; one that was told of no broker at
        # all forgets the only one it had, and waits as long before it begins anew.
        "topic.metadata.refresh.interval.ms": 10_000,
        "metadata.recovery.rebootstrap.trigger.ms": 5_000,
    }


def _partitions(admin: AdminClient, wait_seconds: float) -> dict[str, int]:
    """Topics and how many partitions they have, as soon as a broker answers."""
    deadline = time.monotonic() + wait_seconds
    while True:
        left = deadline - time.monotonic()
        try:
            found = admin.list_topics(timeout=max(0.1, min(left, 5.0))).topics
        except KafkaException:
            if time.monotonic() + 0.2 > deadline:
                raise
            time.sleep(0.2)
            continue
        return {name: len(topic.partitions) for name, topic in found.items()}


def _create(admin: AdminClient, topics: list[str]) -> None:
    if not topics:
        return
    made = admin.create_topics(
        [
            NewTopic(
                topic,
                num_partitions=PARTITIONS,
                replication_factor=settings().kafka_replication,
                config={
                    "retention.ms": str(RETENTION_MILLISECONDS),
                    "max.message.bytes": str(TOPIC_MAX_MESSAGE_BYTES),
                    "message.timestamp.type": "CreateTime",
                    "cleanup.policy": CLEANUP_POLICY,
                },
            )
            for topic in topics
        ],
        operation_timeout=_REQUEST_SECONDS,
        request_timeout=_REQUEST_SECONDS,
    )
    for topic, answer in made.items():
        try:
            answer.result()
            log.info("topic made", topic=topic)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _largest_batch(admin: AdminClient, topics: list[str]) -> int:
    """The smallest ``max.message.bytes`` of ``topics``."""
    deadline = time.monotonic() + _REQUEST_SECONDS
    while True:
        try:
            return min(_message_limits(admin, topics))
        except KafkaException as error:
            # A topic just made is not known to every broker at once.
            unknown = error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            if not unknown or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _message_limits(admin: AdminClient, topics: list[str]) -> list[int]:
    answers: dict[ConfigResource, Future[dict[str, ConfigEntry]]] = admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, topic) for topic in topics],
        request_timeout=_REQUEST_SECONDS,
    )
    limits = [TOPIC_MAX_MESSAGE_BYTES]  # taken as the truth where we may not ask
    for answer in answers.values():
        try:
            limits.append(int(answer.result()["max.message.bytes"].value or 0))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise
    return limits
