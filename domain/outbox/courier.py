"""Hands events to Kafka and says what became of each: what was not confirmed was not sent."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from domain.outbox.events import TOPICS
from domain.outbox.rules import Outcome, Pending, Verdict, headers, verdict

_POLL_SECONDS = 0.2
_POLL_EVERY = 256  # events, so that reports are taken in while a long batch is handed over
_PURGE_SECONDS = 1.0

MakeProducer = Callable[[], tuple[Producer, int]]
"""Makes sure of the topics and returns a new producer, with the largest message they take."""


def told(error: KafkaError) -> str:
    """A Kafka error for people: its name and its text."""
    return f"{error.name()}: {error.str()}"


class _Reports:
    """The delivery reports of one batch, by position."""

    def __init__(self, events: Sequence[Pending], clock: Callable[[], float]) -> None:
        self.events = events
        self.errors: list[KafkaError | bool | None] = [False] * len(events)  # False: no report
        self.missing = len(events)
        self.last = clock()
        self._clock = clock

    def report(
        self, position: int, error: KafkaError | None, _: Message | None = None
    ) -> None:
        self.errors[position] = error
        self.missing -= 1
        self.last = self._clock()

    def overdue(self, stall_seconds: float) -> str | None:
        """Why to give up waiting, if it is time."""
        if self._clock() - self.last <= stall_seconds:
            return None
        return f"no delivery report for {stall_seconds:g} s"

    def outcome(self, gave_up: str | None) -> Outcome:
        """``gave_up``: why those without an answer have none, unless a report explains it."""
        result, unanswered = Outcome(), set[str]()
        for event, error in zip(self.events, self.errors, strict=True):
            if error is None:
                result.confirmed.append(event)
                continue
            topic = TOPICS[event.aggregate_type]
            if isinstance(error, bool) or verdict(error.code()) is Verdict.BYSTANDER:
                unanswered.add(topic)
            elif verdict(error.code()) is Verdict.SUSPECT:
                result.suspects.append((event, told(error)))
            else:
                result.failures.setdefault(topic, told(error))
        if gave_up and not result.suspects and not result.failures:
            result.failures = dict.fromkeys(unanswered, gave_up)
        return result


class Courier:
    """Owns the producer. After anything but full success the producer is purged and discarded, so
    that no event of an old batch can follow one of a new batch."""

    def __init__(
        self,
        make_producer: MakeProducer,
        stall_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_producer = make_producer
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._producer: Producer | None = None
        self.max_message_bytes = 0

    def open(self) -> None:
        """Have a producer and know the topics. Raises KafkaException when no broker answers."""
        if self._producer is None:
            self._producer, self.max_message_bytes = self._make_producer()

    def probe(self, seconds: float) -> None:
        """Ask a broker for its metadata. Raises KafkaException when none answers in time."""
        self.open()
        assert self._producer is not None  # noqa: S101 - for mypy
        self._producer.list_topics(timeout=seconds)

    def send(self, events: Sequence[Pending], go_on: Callable[[], bool]) -> Outcome:
        """Send ``events`` and wait until each is confirmed or given up.

        Gives up when no delivery report has come for the stall time, when the producer fails for
        good, and when ``go_on``, asked several times a second, says so. What ``go_on`` raises is
        raised on; events already confirmed are then sent a second time later.
        """
        self.open()
        reports = _Reports(events, self._clock)
        try:
            gave_up = self._send(reports, go_on)
        except BaseException:
            self.discard()
            raise
        if reports.missing or any(reports.errors):
            self.discard()
        return reports.outcome(gave_up)

    def discard(self) -> None:
        """Drop the producer and everything in it; what it had on the wire may still arrive."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        producer.purge()
        deadline = self._clock() + _PURGE_SECONDS
        while len(producer) and self._clock() < deadline:
            try:
                producer.poll(0.05)
            except KafkaException:
                continue  # raised for a fatal error, once; the reports still come

    def _send(self, reports: _Reports, go_on: Callable[[], bool]) -> str | None:
        """Hand everything over and wait for the reports. Returns why it gave up, if it did."""
        producer = self._producer
        assert producer is not None  # noqa: S101 - for mypy
        try:
            for position, event in enumerate(reports.events):
                if not self._hand_over(producer, position, event, reports, go_on):
                    return reports.overdue(self._stall_seconds)
                if position % _POLL_EVERY == 0:
                    producer.poll(0)
            while reports.missing:
                producer.poll(_POLL_SECONDS)
                if reports.missing and (reports.overdue(self._stall_seconds) or not go_on()):
                    return reports.overdue(self._stall_seconds)
        except KafkaException as error:  # the producer failed for good
            return told(error.args[0])
        return None

    def _hand_over(
        self,
        producer: Producer,
        position: int,
        event: Pending,
        reports: _Reports,
        go_on: Callable[[], bool],
    ) -> bool:
        """Put one event into the producer, waiting for room. False: stop here."""
        while True:
            try:
                producer.produce(
                    TOPICS[event.aggregate_type],
                    event.payload,
                    b"%d" % event.aggregate_id,
                    headers=headers(event),
                    on_delivery=partial(reports.report, position),
                )
                return True
            except BufferError:
                producer.poll(_POLL_SECONDS)
                if reports.overdue(self._stall_seconds) or not go_on():
                    return False
            except KafkaException as error:
                if error.args[0].fatal():
                    raise
                reports.report(position, error.args[0])  # refused before it left: the same meaning
                return False
