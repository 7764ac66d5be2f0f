"""One consumer group's way through its topics: read, have the effect, and only then commit.

An event whose effect was lost when a backup was put back (``./dev reconcile``) is passed by.

A batch whose effect fails is read again from Kafka after a pause, so nothing is held meanwhile,
and another member of the group may take it over. A message that cannot be read is parked: logged
with its place on the topic, counted, and passed by, since it would block its partition for ever.
"""

import base64
import threading
from collections.abc import Callable, Sequence

import peewee
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from domain.kernel.backoff import Backoff
from domain.recovery.service import lost_among
from infra.kafka import consumer, ensure_topics
from infra.metrics import consumer_failures, consumer_messages, consumer_parked
from infra.redis import RedisError
from infra.settings import settings
from workers.consumers.order_events import OrderEvent, Unreadable, parse
from workers.consumers.standstill import Standstill

log = structlog.get_logger(__name__)

BATCH = 500
WAIT_SECONDS = 0.5
REST_SECONDS = 0.2
"""Between two batches: what comes meanwhile is one batch, instead of one for each of the relay's
rounds, and whoever reads the effects is promised seconds."""
TOPIC_WAIT_SECONDS = 2.0
CLOSE_SECONDS = 12.0
"""A little more than a session: without a coordinator the client ends by itself after that."""
PAUSE = Backoff(base=0.2, cap=5.0)  # far below Kafka's five minutes between two polls
PARKED_BYTES_SHOWN = 2_000

DEPENDENCY_AWAY = (RedisError, peewee.InterfaceError, peewee.OperationalError)


class Stream:
    """Feeds order events to ``effect``, at least once and per order in order.

    ``effect`` must bear repeats. What it raises because a dependency is away is waited out;
    anything else ends the stream, and with it the process, and so does a client that gets nothing
    of what Kafka has for it.
    """

    def __init__(
        self,
        group: str,
        topics: Sequence[str],
        effect: Callable[[Sequence[OrderEvent]], None],
    ) -> None:
        self._group = group
        self._topics = topics
        self._effect = effect
        self._failures = 0
        self._read_messages = consumer_messages.labels(group)  # so that it is there, as 0

    def run(self, stop: threading.Event) -> None:
        if not self._topics_exist(stop):
            return
        group = f"{settings().kafka_group_prefix}-{self._group}"
        client = consumer(group, self._committed)
        standstill = Standstill(client)
        client.subscribe(
            list(self._topics), on_assign=standstill.assigned, on_revoke=standstill.revoked
        )
        log.info("consumer begins", group=self._group, topics=list(self._topics))
        try:
            while not stop.is_set():
                self._round(client, standstill, stop)
        finally:
            self._close(client)

    def _topics_exist(self, stop: threading.Event) -> bool:
        """Wait for Kafka, which may come later than we do. False when told to stop first."""
        while not stop.is_set():
            try:
                ensure_topics(self._topics, wait_seconds=TOPIC_WAIT_SECONDS)
                return True
            except KafkaException as error:
                self._pause(stop, "Kafka", error)
        return False

    def _round(self, client: Consumer, standstill: Standstill, stop: threading.Event) -> None:
        read = self._read(client)
        messages = [message for message in read if not self._is_error(message)]
        standstill.read(messages, all_there_were=len(read) < BATCH)
        standstill.look()
        if not messages or stop.is_set():  # what was read comes again
            return
        events, unreadable = _parsed(messages)
        try:
            standing = _standing(events)
            if standing:
                self._effect(standing)
        except DEPENDENCY_AWAY as error:
            self._rewind(client, messages)
            self._pause(stop, "effect", error)
            return
        self._failures = 0
        for message, reason in unreadable:
            self._park(message, reason)
        self._commit(client, messages)
        self._read_messages.inc(len(messages))
        stop.wait(REST_SECONDS)

    def _read(self, client: Consumer) -> list[Message]:
        """What has come, Kafka's words about itself too; the first of it is waited for."""
        read = client.consume(1, WAIT_SECONDS)
        if read:
            read += client.consume(BATCH - 1, 0)
        return read

    def _is_error(self, message: Message) -> bool:
        """Whether this is Kafka's word about itself. The client recovers by itself from all but
        fatal errors, which are raised."""
        error = message.error()
        if error is None:
            return False
        if error.fatal():
            raise KafkaException(error)
        consumer_failures.labels(self._group).inc()
        log.error("consumer has trouble with Kafka", group=self._group, error=str(error))
        return True

    def _commit(self, client: Consumer, messages: Sequence[Message]) -> None:
        try:
            client.commit(offsets=_places(messages, last=True), asynchronous=True)
        except KafkaException as error:
            self._not_committed(error.args[0])

    def _committed(self, error: KafkaError | None, places: Sequence[TopicPartition]) -> None:
        """Kafka's answer to a commit."""
        for failed in filter(None, (error, *(place.error for place in places))):
            self._not_committed(failed)
            return

    def _not_committed(self, error: KafkaError) -> None:
        """The effect is there. Without the offsets it is repeated at most, by us or by the member
        that got the partition meanwhile."""
        consumer_failures.labels(self._group).inc()
        log.warning("offsets not committed", group=self._group, error=str(error))

    def _close(self, client: Consumer) -> None:
        """Leave the group, so that the others need not wait until we are missed.

        A client whose offsets Kafka has not answered for closes when Kafka does, or never
        (librdkafka, issue 3740). It is left as it is then: what was not committed comes again.
        """
        closing = threading.Thread(target=client.close, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            log.warning("left its group without Kafka's answer", group=self._group)

    def _rewind(self, client: Consumer, messages: Sequence[Message]) -> None:
        for place in _places(messages, last=False):
            try:
                client.seek(place)
            except KafkaException as error:
                # Taken from us meanwhile: its next owner begins at what was committed.
                log.info("not rewound", group=self._group, place=str(place), error=str(error))

    def _pause(self, stop: threading.Event, what: str, error: Exception) -> None:
        self._failures += 1
        consumer_failures.labels(self._group).inc()
        log.error("consumer waits", group=self._group, failed=what, error=repr(error))
        stop.wait(PAUSE.exact(self._failures))

    def _park(self, message: Message, reason: str) -> None:
        consumer_parked.labels(self._group).inc()
        log.error(
            "message parked: it cannot be read",
            group=self._group, reason=reason, topic=message.topic(),
            partition=message.partition(), offset=message.offset(),
            key=_shown(message.key()), value=_shown(message.value()),
            headers=repr(message.headers())[:PARKED_BYTES_SHOWN],
        )


def _parsed(messages: Sequence[Message]) -> tuple[list[OrderEvent], list[tuple[Message, str]]]:
    events: list[OrderEvent] = []
    unreadable: list[tuple[Message, str]] = []
    for message in messages:
        try:
            event = parse(message)
        except Unreadable as error:
            unreadable.append((message, str(error)))
        else:
            if event is not None:
                events.append(event)
    return events, unreadable


def _standing(events: Sequence[OrderEvent]) -> Sequence[OrderEvent]:
    """``events`` without those that the database lost. Raises the database's errors."""
    lost = lost_among([event.event_id for event in events])
    return [event for event in events if event.event_id not in lost] if lost else events


def _places(messages: Sequence[Message], *, last: bool) -> list[TopicPartition]:
    """Of each partition, the first offset of ``messages``, or the one after the last."""
    places: dict[tuple[str, int], int] = {}
    for message in messages:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            raise AssertionError("a message that was read has a place")
        if last:
            places[topic, partition] = offset + 1
        else:
            places.setdefault((topic, partition), offset)
    return [TopicPartition(*place, offset) for place, offset in places.items()]


def _shown(data: bytes | str | None) -> str | None:
    """The beginning of a message's bytes, in base64 so that nothing in them can harm a log."""
    if data is None:
        return None
    raw = data.encode() if isinstance(data, str) else data
    return base64.b64encode(raw[:PARKED_BYTES_SHOWN]).decode()
