"""A consumer group's stream when Kafka's client does not do what it is asked for."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from confluent_kafka import Consumer, TopicPartition

from domain.outbox.events import TOPICS
from infra.kafka import Committed, consumer
from tests.support import sales
from tests.support.sales import Order
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.waiting import eventually
from workers.consumers import main, standstill, stream
from workers.consumers.order_events import OrderEvent
from workers.consumers.stream import Stream

pytestmark = pytest.mark.usefixtures("database")
TOPIC = TOPICS["order"]
PARTITIONS = 3
Effect = Callable[[Sequence[OrderEvent]], None]


class Running:
    """A stream at work in a thread; ``seen`` are the orders whose effect was had."""

    def __init__(self, group: str, effect: Effect) -> None:
        self.seen: list[int] = []
        self._effect = effect
        self.stop = threading.Event()
        self.status: int | None = None
        self._thread = threading.Thread(
            target=self._run, args=(Stream(group, [TOPIC], self._have),), daemon=True
        )
        self._thread.start()

    def _run(self, running: Stream) -> None:
        self.status = main.run({"it": running.run}, self.stop)

    def _have(self, events: Sequence[OrderEvent]) -> None:
        self.seen += [event.order_id for event in events]
        self._effect(events)

    def ended(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


Start = Callable[..., Running]


@pytest.fixture
def start(services: TestServices) -> Iterator[Start]:
    """Starts streams, which end with the test."""
    empty_topics()
    running: list[Running] = []

    def one(group: str, effect: Effect = lambda _: None) -> Running:
        running.append(Running(group, effect))
        return running[-1]

    yield one
    services.kafka.resume()
    for each in running:
        each.stop.set()
        assert each.ended(30)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[Consumer]:
    """Those that streams make."""
    made: list[Consumer] = []

    def make(group: str, committed: Committed) -> Consumer:
        made.append(consumer(group, committed))
        return made[-1]

    monkeypatch.setattr(stream, "consumer", make)
    return made


def publish(first: int, count: int = 20) -> None:
    now = sales.database_now()
    sales.publish([
        sales.completed(Order(number, now, ((1, 1),))) for number in range(first, first + count)
    ])


def test_offsets_that_kafka_does_not_take_hold_nobody_up(
    services: TestServices, start: Start
) -> None:
    # Given a Kafka that stops answering when an effect is there and its offsets are not committed
    publish(1)
    begun = threading.Event()

    def effect(_events: Sequence[OrderEvent]) -> None:
        services.kafka.pause()
        begun.set()

    first = start("held-up", effect)
    assert begun.wait(30)
    # When its consumer is told to stop, Then it does, long before Kafka answers
    first.stop.set()
    assert first.ended(25)
    assert first.status == 0
    # And who comes after it goes on, once Kafka is back, whether or not it got the offsets
    services.kafka.resume()
    publish(21)
    second = start("held-up")
    everything = set(range(1, 41))
    eventually(lambda: set(first.seen) | set(second.seen) == everything, 60, "nothing is lost")


def test_a_client_that_gets_nothing_of_what_there_is_ends_the_process(
    start: Start, clients: list[Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "STILL_SECONDS", 3.0)

    # Given a consumer whose client stops to fetch, without a word, once it has read all there is
    def effect(_events: Sequence[OrderEvent]) -> None:
        if len(running.seen) >= 20:
            clients[0].pause([TopicPartition(TOPIC, number) for number in range(PARTITIONS)])

    running = start("stands-still", effect)
    publish(1)
    eventually(lambda: len(running.seen) >= 20, 30, "it reads")
    # While there is nothing more to read, Then it goes on waiting
    assert not running.ended(10)
    # When more comes to Kafka, Then its process ends, for its supervisor to start it again
    publish(21)
    assert running.ended(60)
    assert running.status == 1
    assert max(running.seen) == 20


def test_a_consumer_that_waits_for_kafka_is_not_one_that_stands_still(
    services: TestServices, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "STILL_SECONDS", 2.0)
    monkeypatch.setattr(standstill, "ANSWER_SECONDS", 0.5)
    # Given a consumer that has read what there is
    running = start("away")
    publish(1)
    eventually(lambda: len(running.seen) >= 20, 30, "it reads")
    # When Kafka does not answer for several looks, Then it waits
    services.kafka.pause()
    assert not running.ended(12)
    # And goes on when Kafka is back
    services.kafka.resume()
    publish(21)
    eventually(lambda: set(running.seen) >= set(range(1, 41)), 60, "it goes on")
    assert not running.ended(0)
