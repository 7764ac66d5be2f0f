"""Given: topics without a record, so that a test meets no event of an earlier one."""

from collections.abc import Sequence

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.kafka import ensure_topics
from infra.settings import settings

TOPICS = ("orders.events", "coupons.events", "wallet.events", "products.events")


def empty_topics(topics: Sequence[str] = TOPICS) -> None:
    """Make the missing ones, and delete every record from the others."""
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
