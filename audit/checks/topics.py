"""The Kafka side of invariant 6: what the topics still keep, against what the outbox published.

The topics' ends are taken after the snapshot, so whatever it shows as published lies before them.
What Kafka holds and the snapshot does not know may have been written since; a second look tells.
What is in neither was lost, and is a violation until it is written down as such: that is what is
done after a backup was put back.
"""

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from audit.report import Finding
from audit.rules import Audited, collect
from infra.snapshot import snapshot
from infra.topic_reader import Record, TopicReader, TopicsUnreadable

TOPICS = {
    "order": "orders.events",
    "userCoupon": "coupons.events",
    "wallet": "wallet.events",
    "product": "products.events",
}
"""Aggregate type → topic, as the contract names them."""

_UNSEEN = -1

# By aggregate, so that one's events lie side by side in the order in which they happened. An event
# that was refused may have been dead and redriven, and then rightly comes late.
_EVENTS = """
    SELECT event_id, aggregatetype, aggregateid, last_error IS NOT NULL AS refused,
           status = 'published' AND created_at >= %(kept)s AS due
    FROM outbox_events ORDER BY aggregatetype, aggregateid, id
"""

_ACCOUNTED_FOR = """
    SELECT event_id FROM outbox_events UNION ALL SELECT event_id FROM lost_events
"""


class Ledger:
    """Every event of the outbox, and where in Kafka it was first seen: some 200 bytes each."""

    def __init__(self, events: Iterator[dict[str, Any]]) -> None:
        self._index: dict[bytes, int] = {}
        self._types: list[str] = []
        self._aggregates = array("q")
        self._due = bytearray()
        self._refused = bytearray()
        names: dict[str, str] = {}
        for place, event in enumerate(events):
            self._index.setdefault(event["event_id"], place)
            kind = event["aggregatetype"]
            self._types.append(names.setdefault(kind, kind))
            self._aggregates.append(event["aggregateid"])
            self._due.append(bool(event["due"]))
            self._refused.append(bool(event["refused"]))
        self._present = bytearray(len(self._types))
        self._partitions = array("h", [_UNSEEN]) * len(self._types)
        self._offsets = array("q", [_UNSEEN]) * len(self._types)

    def see(self, event_id: bytes, record: Record) -> bool | None:
        """Note where an event lies; None if it is unknown, False if it lies where it must not."""
        place = self._index.get(event_id)
        if place is None:
            return None
        self._present[place] = True
        key = str(self._aggregates[place]).encode()
        well = record.topic == TOPICS.get(self._types[place]) and record.key == key
        # Misplaced it is not missing, but consumers do not find it there: it has no place in the
        # order, and a repeat of it in the right one, which may be read later, has.
        if well and self._offsets[place] == _UNSEEN:
            self._partitions[place], self._offsets[place] = record.partition, record.offset
        return well

    def missing(self) -> Iterator[dict[str, Any]]:
        """Published events that the topics must still keep, and do not."""
        for event_id, place in self._index.items():
            if self._due[place] and not self._present[place]:
                yield self._named(event_id, place)

    def disordered(self) -> Iterator[dict[str, Any]]:
        """Events first seen behind a later one of their aggregate, or in another partition."""
        last: int | None = None
        for event_id, place in self._index.items():
            if self._offsets[place] == _UNSEEN or self._refused[place]:
                continue
            if last is not None and self._same_aggregate(last, place) and (
                self._partitions[last] != self._partitions[place]
                or self._offsets[last] > self._offsets[place]
            ):
                yield self._named(event_id, place)
            last = place

    def _same_aggregate(self, one: int, other: int) -> bool:
        return (
            self._aggregates[one] == self._aggregates[other]
            and self._types[one] == self._types[other]
        )

    def _named(self, event_id: bytes, place: int) -> dict[str, Any]:
        return {
            "event": event_id,
            "aggregateType": self._types[place],
            "aggregateId": self._aggregates[place],
        }


def events_in_kafka(audited: Audited, finding: Finding) -> None:
    """Every published event is in its topic, in order, and the topics hold no other."""
    if audited.settings.kafka_stand_in:
        finding.unchecked.append("events in Kafka: KAFKA_STAND_IN keeps nothing to compare with")
        return
    try:
        reader = TopicReader(
            audited.settings.kafka_bootstrap_servers, sorted(TOPICS.values())
        )
    except TopicsUnreadable as error:
        finding.unchecked.append(f"events in Kafka: {error}")
        return
    try:
        _compare(audited, finding, reader)
    except TopicsUnreadable as error:
        finding.unchecked.append(f"events in Kafka: {error}")
    finally:
        reader.close()


def _compare(audited: Audited, finding: Finding, reader: TopicReader) -> None:
    # An event was made before it was sent, so its topic keeps it for longer than this.
    kept = audited.snapshot.now - timedelta(milliseconds=reader.retention_milliseconds())
    ledger = Ledger(audited.snapshot.rows(_EVENTS, {"kept": kept}))
    unknown: dict[bytes, Record] = {}
    misplaced: list[dict[str, Any]] = []
    read = 0
    for record in reader.records():
        read += 1
        event_id = _event_id(record)
        well = ledger.see(event_id, record) if event_id else False
        if well is None and event_id:
            unknown.setdefault(event_id, record)
        elif not well:
            misplaced.append(_place(event_id, record))
    finding.examined["eventsInKafka"] = read
    collect(finding, "event-not-in-kafka", "event {event} of {aggregateType} {aggregateId} is "
            "published, but not in Kafka", ledger.missing())
    collect(finding, "event-late-in-kafka", "event {event} of {aggregateType} {aggregateId} lies "
            "behind a later one, or in another partition", ledger.disordered())
    collect(finding, "event-misplaced", "event {event} lies under a wrong topic or key: {topic} "
            "{partition} at {offset}", misplaced)
    collect(finding, "event-unknown", "event {event} in {topic} {partition} at {offset} is not in "
            "the outbox, nor recorded as lost", _still_unknown(audited, unknown))


def _still_unknown(audited: Audited, unknown: dict[bytes, Record]) -> Iterator[dict[str, Any]]:
    """Events that neither the snapshot nor a look afterwards knows, and that no purge explains."""
    left = {
        event_id: record
        for event_id, record in unknown.items()
        if datetime.fromtimestamp(record.timestamp / 1000, UTC).replace(tzinfo=None)
        >= audited.kept_since
    }
    if not left:
        return
    with snapshot(audited.settings.database_url) as later:
        for row in later.rows(_ACCOUNTED_FOR):
            left.pop(row["event_id"], None)
    for event_id, record in left.items():
        yield _place(event_id, record)


def _place(event_id: bytes | None, record: Record) -> dict[str, Any]:
    return {
        "event": event_id, "topic": record.topic, "partition": record.partition,
        "offset": record.offset,
    }


def _event_id(record: Record) -> bytes | None:
    """The CloudEvents id of a message, in the outbox's form; None if it has none."""
    try:
        return UUID(record.headers["ce_id"].decode("ascii")).bytes
    except (KeyError, ValueError):
        return None
