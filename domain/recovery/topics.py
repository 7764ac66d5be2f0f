"""What the topics tell of and the database does not know."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.outbox.events import TOPICS
from domain.recovery import rules
from domain.recovery.rules import LostEvent, Unreadable
from infra.topic_reader import Record, TopicReader


@dataclass
class Reading:
    """How much was read, and what of it is not known, by event id."""

    retention: timedelta
    """What the topics keep, at least."""
    read: int = 0
    unreadable: int = 0
    unknown: dict[bytes, LostEvent] = field(default_factory=dict)


def read_topics(bootstrap_servers: str, known: set[bytes], kept_since: datetime) -> Reading:
    """Everything in the topics that is not ``known``; what is from before ``kept_since`` may have
    been purged from the outbox, and is passed by. Raises TopicsUnreadable."""
    reader = TopicReader(bootstrap_servers, sorted(TOPICS.values()))
    try:
        found = Reading(timedelta(milliseconds=reader.retention_milliseconds()))
        since = kept_since.replace(tzinfo=UTC).timestamp() * 1000
        for record in reader.records():
            _take(record, known, since, found)
        return found
    finally:
        reader.close()


def _take(record: Record, known: set[bytes], since_milliseconds: float, found: Reading) -> None:
    found.read += 1
    try:
        event_id = rules.event_id_of(record)
        if (
            event_id not in known
            and event_id not in found.unknown
            and record.timestamp >= since_milliseconds
        ):
            found.unknown[event_id] = rules.read(record)
    except Unreadable:
        found.unreadable += 1
