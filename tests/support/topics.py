"""Given: topics that hold nothing, or what a test puts there."""

from collections.abc import Sequence
from uuid import UUID

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from domain.outbox.events import TOPICS
from infra.database import execute, rows, session
from infra.kafka import ensure_topics
from infra.settings import settings


def empty_topics(topics: Sequence[str] = tuple(TOPICS.values())) -> None:
    """Make the missing ones, and delete every record from the others, so that a test meets no event
    of an earlier one.

    Kafka writes down once a minute, and when it is stopped, from where on a topic begins: one that
    is killed before has the deleted records again.
    """
    config = {"bootstrap.servers": settings().kafka_bootstrap_servers}
    consumer = Consumer({**config, "group.id": "empty-topics"})
    ends = []
    try:
        known = consumer.list_topics(timeout=10).topics
        for name in topics:
            for partition in known[name].partitions if name in known else ():
                _, end = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=10)
                ends.append(TopicPartition(name, partition, end))
    finally:
        consumer.close()
    ensure_topics(topics)
    if not ends:
        return
    admin = AdminClient(config)  # kept until all is answered: the answers go with the client
    for done in admin.delete_records(ends, request_timeout=10).values():
        done.result(20)


def publish_all() -> None:
    """Send what waits to Kafka, and mark it."""
    producer = Producer({"bootstrap.servers": settings().kafka_bootstrap_servers, "acks": "all"})
    with session():
        waiting = rows(
            "SELECT event_id, aggregatetype, aggregateid FROM outbox_events "
            "WHERE status = 'pending' ORDER BY id"
        )
        for event_id, aggregate, aggregate_id in waiting:
            produce(producer, UUID(bytes=event_id), TOPICS[aggregate], str(aggregate_id))
        assert producer.flush(20) == 0
        # Long enough ago for the ranking to know them.
        execute(
            "UPDATE outbox_events SET status = 'published', pending_shard = NULL, "
            "published_at = created_at - INTERVAL 1 MINUTE WHERE status = 'pending'"
        )


def produce(producer: Producer, event_id: UUID, topic: str, key: str) -> None:
    headers = [("ce_id", str(event_id).encode())]
    producer.produce(topic, value=b"{}", key=key.encode(), headers=headers)
