"""Carries committed events to Kafka."""

from functools import lru_cache

from confluent_kafka import Producer

from domain.outbox.courier import Courier
from domain.outbox.events import TOPICS
from domain.outbox.leadership import Leadership, holder_name
from domain.outbox.relay import Relay
from infra import kafka
from infra.settings import settings

REACH_SECONDS = 3.0
"""How long a broker may take to answer before Kafka counts as away."""


@lru_cache(maxsize=1)
def relay() -> Relay:
    """This process's relay."""
    current = settings()
    return Relay(
        Courier(open_kafka, current.outbox_stall_seconds),
        Leadership(holder_name()),
        max_attempts=current.outbox_attempts,
    )


def open_kafka() -> tuple[Producer, int]:
    """Make sure of the topics; a new producer, and the largest message that they all take.

    Raises KafkaException when no broker answers.
    """
    limit = kafka.ensure_topics(TOPICS.values(), REACH_SECONDS)
    return kafka.producer(limit), limit


def tick() -> int:
    """Publish what waits; at most about five seconds. Returns how many events were published."""
    return relay().tick()
