"""A consumer group's stream when Kafka's client does not do what it is asked for."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from confluent_kafka import Consumer

from domain.outbox.events import TOPICS
from infra.kafka import Committed, consumer
from tests.support import sales
from tests.support.sales import Order
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.waiting import eventually
from workers.consumers import main, standstill, stream
from workers.consumers.order_events import OrderEvent
from workers.consumers.standstill import Standstill, StoodStill
from workers.consumers.stream import Stream

pytestmark = pytest.mark.usefixtures("database")
TOPIC = TOPICS["order"]
Make = Callable[[str, Sequence[str], Committed], Consumer]


@pytest.fixture(autouse=True)
def kafka(services: TestServices) -> Iterator[None]:
    empty_topics()
    yield
    services.kafka.resume()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Consumer]:
    """The clients that streams have made."""
    clients: list[Consumer] = []

    def make(group: str, topics: Sequence[str], committed: Committed) -> Consumer:
        clients.append(consumer(group, topics, committed))
        return clients[-1]

    monkeypatch.setattr(stream, "consumer", make)
    return clients


def publish(first: int, count: int = 20) -> None:
    now = sales.database_now()
    sales.publish([
        sales.completed(Order(number, now, ((1, 1),))) for number in range(first, first + count)
    ])


class Running:
    """A stream at work in a thread; ``seen`` are the orders whose effect was had."""

    def __init__(
        self, group: str, effect: Callable[[Sequence[OrderEvent]], None] = lambda _: None
    ) -> None:
        self.seen: list[int] = []
        self._effect = effect
        self.stop = threading.Event()
        self.status: int | None = None
        self.thread = threading.Thread(
            target=self._run, args=(Stream(group, [TOPIC], self._have),), daemon=True
        )
        self.thread.start()

    def _run(self, running: Stream) -> None:
        self.status = main.run({"it": running.run}, self.stop)

    def _have(self, events: Sequence[OrderEvent]) -> None:
        self.seen += [event.order_id for event in events]
        self._effect(events)

    def ended(self, seconds: float) -> bool:
        self.thread.join(seconds)
        return not self.thread.is_alive()


def test_offsets_that_kafka_does_not_take_hold_nobody_up(services: TestServices) -> None:
    # Given a Kafka that stops answering when an effect is there and its offsets are not committed
    publish(1)
    begun = threading.Event()

    def effect(_events: Sequence[OrderEvent]) -> None:
        services.kafka.pause()
        begun.set()

    first = Running("held-up", effect)
    assert begun.wait(30)
    # When its consumer is told to stop, Then it does, long before Kafka answers
    first.stop.set()
    assert first.ended(20)
    assert first.status == 0
    # And who comes after it goes on, once Kafka is back, whether or not it got the offsets
    services.kafka.resume()
    publish(21)
    second = Running("held-up")
    everything = set(range(1, 41))
    eventually(lambda: set(first.seen) | set(second.seen) == everything, 60, "nothing is lost")
    second.stop.set()
    assert second.ended(20)


def test_a_client_that_gets_nothing_of_what_there_is_ends_the_process(
    made: list[Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a consumer that has read, and whose client then stops fetching without a word
    monkeypatch.setattr(standstill, "STILL_SECONDS", 1.0)
    running = Running("stands-still")
    publish(1)
    eventually(lambda: len(running.seen) == 20, 30, "it reads")
    [client] = made
    client.pause(client.assignment())
    # While there is nothing more to read, Then it goes on waiting
    assert not running.ended(5)
    # When more comes to Kafka, Then its process ends, for its supervisor to start it again
    publish(21)
    assert running.ended(40)
    assert running.status == 1
    assert len(running.seen) == 20


def test_what_a_group_has_never_read_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a consumer that has got nothing since it joined its group
    monkeypatch.setattr(standstill, "STILL_SECONDS", 0.2)
    publish(1)
    client = consumer("never-read", [TOPIC], lambda _error, _places: None)
    client.subscribe([TOPIC], on_assign=lambda one, places: (one.assign(places), one.pause(places)))
    eventually(lambda: client.consume(1, 0.1) == [] and client.assignment(), 30, "it has joined")
    held = Standstill(client)
    # When it is looked at twice, Then it stands still
    time.sleep(0.3)
    held.look()
    time.sleep(0.3)
    with pytest.raises(StoodStill):
        held.look()
    client.close()


def test_nobody_stands_still_while_kafka_is_away(
    services: TestServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a consumer for which there is something, and a Kafka that does not say so
    monkeypatch.setattr(standstill, "STILL_SECONDS", 0.2)
    monkeypatch.setattr(standstill, "ANSWER_SECONDS", 0.5)
    running = Running("away")
    publish(1)
    eventually(lambda: len(running.seen) == 20, 30, "it reads")
    services.kafka.pause()
    # Then it waits
    assert not running.ended(6)
    # And goes on when Kafka is back
    services.kafka.resume()
    publish(21)
    eventually(lambda: len(running.seen) >= 40, 30, "it goes on")
    running.stop.set()
    assert running.ended(20)
    assert running.status == 0
