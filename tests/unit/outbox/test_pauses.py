"""The relay's patience with Kafka and with each topic."""

from domain.outbox.events import TOPICS
from domain.outbox.pauses import Pauses

ORDERS = {"orders.events": "not authorized"}


def test_nothing_is_paused_and_nothing_known_at_first() -> None:
    pauses = Pauses()
    assert not pauses.whole(0)
    assert pauses.types(0) == []
    assert pauses.kafka == "unknown"


def test_a_topic_that_fails_pauses_alone() -> None:
    pauses = Pauses()
    pauses.failed(ORDERS, now=0)
    assert pauses.types(4.9) == ["order"]
    assert pauses.types(5.0) == []
    assert not pauses.whole(0)


def test_kafka_pauses_5_10_20_and_at_most_30_seconds() -> None:
    pauses, now, waits = Pauses(), 0.0, []
    for _ in range(5):
        pauses.unreachable("no broker", now)
        began = now
        while pauses.whole(now):
            now += 0.5
        waits.append(now - began)
    assert waits == [5, 10, 20, 30, 30]
    assert pauses.kafka == "away"


def test_a_confirmation_ends_the_pause_of_its_topic() -> None:
    pauses = Pauses()
    pauses.failed({**ORDERS, "wallet.events": "stalled"}, now=0)
    pauses.worked({"orders.events"})
    assert pauses.types(0) == ["wallet"]
    assert pauses.kafka == "up"


def test_a_broker_that_answers_says_nothing_of_its_topics() -> None:
    pauses = Pauses()
    pauses.failed(ORDERS, now=0)
    pauses.unreachable("no broker", now=0)
    pauses.reachable()
    assert not pauses.whole(0)
    assert pauses.types(0) == ["order"]
    assert pauses.reasons() == ORDERS


def test_kafka_of_which_every_topic_fails_is_away() -> None:
    pauses = Pauses()
    pauses.failed(dict.fromkeys(TOPICS.values(), "stalled"), now=0)
    assert pauses.kafka == "away"
    pauses.worked({"orders.events"})
    assert pauses.kafka == "up"
