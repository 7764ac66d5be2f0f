"""What the courier makes of a producer's reports, with a producer that does as it is told."""

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from domain.outbox.courier import Courier
from domain.outbox.rules import Outcome, Pending
from tests.unit.outbox.test_rules import event

Report = Callable[[KafkaError | None, None], None]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class ScriptedProducer:
    """Takes ``room`` messages at a time. Answers by position: an error code, None for a
    confirmation, nothing at all for a position that is not in ``answers``."""

    def __init__(
        self, clock: Clock, answers: dict[int, int | None], room: int = 1000, fatal: bool = False
    ) -> None:
        self.clock = clock
        self._answers = answers
        self._room = room
        self._fatal = fatal
        self._waiting: deque[tuple[int, Report]] = deque()
        self._silent: list[Report] = []
        self.produced: list[int] = []
        self.purged = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._silent)

    def produce(self, topic: str, value: bytes, key: bytes, headers: Any, on_delivery: Any) -> None:
        if len(self) >= self._room:
            raise BufferError
        self._waiting.append((len(self.produced), on_delivery))
        self.produced.append(int(key))

    def poll(self, seconds: float) -> int:
        if self.purged:
            for _, report in self._waiting:
                report(KafkaError(KafkaError._PURGE_QUEUE), None)
            for report in self._silent:
                report(KafkaError(KafkaError._PURGE_INFLIGHT), None)
            self._waiting.clear()
            self._silent.clear()
            return 1
        if not seconds:
            return 0
        self.clock.now += seconds
        while self._waiting:
            position, report = self._waiting.popleft()
            if position not in self._answers:
                self._silent.append(report)
                continue
            code = self._answers[position]
            report(None if code is None else KafkaError(code), None)
            if code is not None and self._fatal:
                raise KafkaException(KafkaError(code, "refused", fatal=True))
        return 1

    def purge(self) -> None:
        self.purged = True


def send(
    answers: dict[int, int | None],
    events: list[Pending],
    go_on: Callable[[], bool] = lambda: True,
    **options: Any,
) -> tuple[Outcome, ScriptedProducer]:
    clock = Clock()
    producer = ScriptedProducer(clock, answers, **options)
    courier = Courier(lambda: (producer, 1_000_000), 10.0, clock)  # type: ignore[arg-type,return-value]
    return courier.send(events, go_on), producer


EVENTS = [event(1), event(2, 2), event(3, 3)]


def test_only_what_was_reported_is_confirmed() -> None:
    # Given a producer that confirms the first and says nothing of the others
    # When three are sent
    outcome, producer = send({0: None}, EVENTS)
    # Then one is confirmed, the topic has failed, and the producer is purged
    assert outcome.confirmed == EVENTS[:1]
    assert outcome.failures == {"orders.events": "no delivery report for 10 s"}
    assert outcome.suspects == []
    assert producer.purged
    assert producer.clock.now == pytest.approx(10.2, abs=0.3)  # the stall time after the last one


def test_all_confirmed_keeps_the_producer() -> None:
    outcome, producer = send({0: None, 1: None, 2: None}, EVENTS)
    assert outcome == Outcome(confirmed=EVENTS)
    assert not producer.purged


def test_only_the_topic_that_is_silent_has_failed() -> None:
    events = [event(1), event(2, kind="wallet")]
    outcome, _ = send({0: None}, events)
    assert list(outcome.failures) == ["wallet.events"]


def test_a_full_buffer_is_polled_until_there_is_room() -> None:
    # Given a producer with room for one message
    outcome, producer = send(dict.fromkeys(range(3)), EVENTS, room=1)
    # Then all three go through it, in their order
    assert outcome.confirmed == EVENTS
    assert producer.produced == [1, 2, 3]


def test_a_buffer_that_stays_full_is_a_stall() -> None:
    outcome, producer = send({}, EVENTS, room=1)
    assert outcome.failures == {"orders.events": "no delivery report for 10 s"}
    assert producer.produced == [1]


def test_a_refusal_stops_what_is_behind_it_and_blames_nobody_else() -> None:
    # Given a producer to which a refusal is fatal
    outcome, producer = send(
        {0: None, 1: KafkaError.MSG_SIZE_TOO_LARGE}, EVENTS, fatal=True
    )
    # Then the refused one is a suspect, the one behind it goes again, and Kafka has not failed
    assert outcome.confirmed == EVENTS[:1]
    assert [e for e, _ in outcome.suspects] == EVENTS[1:2]
    assert outcome.failures == {}
    assert producer.purged


def test_a_fatal_error_that_nothing_explains_is_kafkas() -> None:
    outcome, _ = send({0: KafkaError._FATAL}, EVENTS[:1], fatal=True)
    assert list(outcome.failures) == ["orders.events"]
    assert outcome.suspects == []


def test_leadership_lost_on_the_way_gives_up_without_blame() -> None:
    # Given an answer for the first only, and leadership lost at the second look
    looks = iter([True, False])
    outcome, producer = send({0: None}, EVENTS, lambda: next(looks))
    # Then what is confirmed counts, the rest is dropped, and nobody is to blame
    assert outcome == Outcome(confirmed=EVENTS[:1])
    assert producer.purged


def test_an_error_while_waiting_drops_the_producer() -> None:
    clock = Clock()
    producer = ScriptedProducer(clock, {})
    courier = Courier(lambda: (producer, 1), 10.0, clock)  # type: ignore[arg-type,return-value]

    def database_gone() -> bool:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        courier.send(EVENTS, database_gone)
    assert producer.purged
