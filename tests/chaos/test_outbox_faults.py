"""Kafka killed, paused, away, or refusing: nothing is lost, no order broken, no attempt used."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from domain.outbox.events import TOPICS
from domain.outbox.relay import Relay
from infra import kafka
from infra.database import rows, session
from infra.settings import settings
from tests.support.outbox import (
    ShiftedClock,
    Topics,
    committed,
    event,
    given_events,
    let_retries_be_due,
    make_relay,
    outbox,
)
from tests.support.services import TestServices
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

PAUSE = 31.0  # longer than any pause of the relay


@pytest.fixture
def topics(database: None) -> Iterator[Topics]:
    with Topics() as eyes:
        yield eyes


@contextmanager
def ticking(relay: Relay) -> Iterator[None]:
    """The relay as the scheduler runs it, over and over, in a thread."""
    ended = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        while not ended.is_set():
            try:
                relay.tick()
            except BaseException as error:
                errors.append(error)
                return
            ended.wait(0.05)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        relay.stop()
        thread.join(30)
    assert not errors
    assert not thread.is_alive()


def published() -> int:
    return sum(status == "published" for (status,) in outbox("status"))


def kafka_state() -> str:
    with session():
        found = rows("SELECT detail FROM heartbeats WHERE name = 'relay'")
    return str(orjson.loads(found[0][0])["kafka"]) if found else "none"


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_broker_that_fails_in_the_middle_loses_nothing(
    topics: Topics, services: TestServices, fault: str
) -> None:
    # Given a backlog on its way, in small batches
    given_events(*[event(at % 7, at, list(TOPICS)[at % 7 % 4]) for at in range(1200)])
    clock = ShiftedClock()
    relay = make_relay(stall_seconds=2, batch=40, clock=clock)
    with ticking(relay):
        eventually(lambda: published() > 100)
        # When the broker is killed or stopped, and is away for longer than the stall time
        getattr(services.kafka, fault)()
        try:
            eventually(lambda: kafka_state() == "away", 60)
            seen = published()
            given_events(event(1, 5000), event(2, 5001))  # appending does not notice
        finally:
            services.kafka.resume() if fault == "pause" else services.kafka.start()
        # Then it goes on by itself after its pause
        clock.shift += PAUSE
        eventually(lambda: published() == 1202, 60, "all published after the broker's return")
        eventually(lambda: kafka_state() == "up", 10, "the next heartbeat says so")
    # And every event is there, in its order, at nobody's expense
    assert seen < 1200
    assert topics.firsts() == committed()
    assert set(outbox("status, attempts, last_error")) == {("published", 0, None)}


def test_kafka_away_from_the_start_is_said_and_costs_no_attempt(
    topics: Topics, services: TestServices
) -> None:
    given_events(event(1), event(2))
    clock = ShiftedClock()
    relay = make_relay(clock=clock)
    services.kafka.kill()
    try:
        # When the relay ticks while no broker answers, again and again
        for _ in range(3):
            assert relay.tick() == 0
            clock.shift += PAUSE
        # Then that is in the heartbeat, and the events are as they were
        assert kafka_state() == "away"
        assert outbox() == [("pending", 0), ("pending", 0)]
    finally:
        services.kafka.start()
    # When it is back, Then they are published
    assert eventually(relay.tick, 60) == 2
    assert len(topics.read()) == 2


def test_between_pauses_kafka_is_not_asked(services: TestServices) -> None:
    asked = []

    def no_broker() -> tuple[Producer, int]:
        asked.append(True)
        raise kafka.KafkaException(kafka.KafkaError(kafka.KafkaError._TRANSPORT))

    clock = ShiftedClock()
    relay = make_relay(clock=clock, make_producer=no_broker)
    for _ in range(5):
        relay.tick()
    assert len(asked) == 1
    clock.shift += 5.1
    for _ in range(5):
        relay.tick()
    assert len(asked) == 2


@contextmanager
def topic_limit(topic: str, limit: int) -> Iterator[None]:
    """For a while, the broker takes only batches of up to ``limit`` bytes for ``topic``."""
    admin = AdminClient({"bootstrap.servers": settings().kafka_bootstrap_servers})

    def set_to(value: int) -> None:
        entry = ConfigEntry(
            "max.message.bytes", str(value), incremental_operation=AlterConfigOpType.SET
        )
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for answer in admin.incremental_alter_configs([resource]).values():
            answer.result(10)

    set_to(limit)
    try:
        yield
    finally:
        set_to(kafka.TOPIC_MAX_MESSAGE_BYTES)


def without_knowing_limits() -> tuple[Producer, int]:
    """As if the topic's limit had been lowered after the relay asked for it."""
    return kafka.producer(), kafka.MAX_MESSAGE_BYTES


def test_an_event_that_only_the_broker_refuses_is_found_alone(topics: Topics) -> None:
    # Given a broker that takes 20 kB for the wallet's topic, and a larger event among small ones
    rowids = given_events(
        *[event(at % 5, at, "wallet") for at in range(20)],
        event(1, 100, "wallet", size=50_000),
        *[event(at % 5, at, "wallet") for at in range(200, 220)],
        event(1, 300),
    )
    relay = make_relay(max_attempts=2, make_producer=without_knowing_limits)
    with topic_limit("wallet.events", 20_000):
        # When the relay ticks, Then that one alone has used an attempt, and holds its own aggregate
        eventually(lambda: relay.tick() == 0)
        state = dict(zip(rowids, outbox("status, attempts"), strict=True))
        assert state[rowids[20]] == ("pending", 1)
        behind = [event_id for at, event_id in enumerate(rowids[21:41]) if (at + 200) % 5 == 1]
        assert {state.pop(row_id) for row_id in behind} == {("pending", 0)}
        del state[rowids[20]]
        assert set(state.values()) == {("published", 0)}
        # And no event arrived before one that stood before it
        expected, seen = committed(), topics.firsts()
        assert all(seen[key] == expected[key][: len(seen[key])] for key in seen)
        # When its last attempt has failed, Then it is dead and the others flow
        let_retries_be_due()
        eventually(lambda: relay.tick() == 0)
        assert outbox()[20] == ("dead", 2)
        assert published() == len(rowids) - 1


def test_nothing_is_sent_behind_an_event_that_the_broker_refuses(topics: Topics) -> None:
    # Given a producer at work, whose batches the topic takes, and a larger event among small ones
    def small_batches() -> tuple[Producer, int]:
        return kafka.producer(60_000), 60_000

    relay = make_relay(make_producer=small_batches)
    given_events(*[event(at, at, "wallet") for at in range(30)])
    assert relay.tick() == 30
    given_events(
        event(1, 100, "wallet", size=58_000), *[event(1, at, "wallet") for at in range(200, 230)]
    )
    with topic_limit("wallet.events", 50_000):
        # When the broker refuses it, Then none of those behind it arrives
        assert relay.tick() == 0
    assert outbox()[30:] == [("pending", 1)] + [("pending", 0)] * 30
    assert len(topics.read()) == 30


def test_the_topics_own_limit_is_known_before_producing(topics: Topics) -> None:
    # Given a topic that takes less than we would send
    given_events(event(1, 1, "wallet", size=50_000), event(1, 2, "wallet"), event(2, 3))
    with topic_limit("wallet.events", 20_000):
        # When the relay ticks, Then the large one is refused on sight: nothing was sent behind it
        assert make_relay().tick() == 1
    assert outbox("status, attempts, last_error")[0][2].startswith("payload of")
    assert [record.key for record in topics.read()] == ["2"]


def test_a_topic_that_fails_alone_holds_up_no_other() -> None:
    # Given a topic that is gone, and a producer that does not make it again
    admin = AdminClient({"bootstrap.servers": settings().kafka_bootstrap_servers})
    kafka.ensure_topics(TOPICS.values())
    admin.delete_topics(["wallet.events"])["wallet.events"].result(10)
    eventually(lambda: "wallet.events" not in admin.list_topics(timeout=5).topics)
    clock = ShiftedClock()
    relay = make_relay(stall_seconds=5, clock=clock, make_producer=without_knowing_limits)
    try:
        given_events(*[event(at, at, kind) for at in range(20) for kind in ("wallet", "order")])
        # When the relay ticks, Then the other topic's events are published and nobody is blamed
        relay.tick()
        assert outbox() == [("pending", 0), ("published", 0)] * 20
        # And while that topic pauses, the others do not wait for it
        given_events(event(3, 3))
        assert _seconds(relay.tick) < 5
        assert outbox()[40] == ("published", 0)
    finally:
        kafka.ensure_topics(TOPICS.values())
    # When the topic is there again, Then its events go
    clock.shift += PAUSE
    eventually(lambda: (relay.tick(), set(outbox()) == {("published", 0)})[1], 60)


def _seconds(work: Callable[[], object]) -> float:
    clock = ShiftedClock()
    began = clock()
    work()
    return clock() - began


def test_an_idle_relay_notices_that_kafka_has_gone_and_come_back(services: TestServices) -> None:
    # Given a relay with nothing to do
    clock = ShiftedClock()
    relay = make_relay(clock=clock)
    relay.tick()
    assert _state_after(relay, clock) == "up"
    # When the broker goes, Then /readyz can know within seconds, though nothing was to be sent
    services.kafka.kill()
    try:
        relay.tick()
        assert _state_after(relay, clock) == "away"
    finally:
        services.kafka.start()
    clock.shift += PAUSE
    relay.tick()
    assert _state_after(relay, clock) == "up"


def _state_after(relay: Relay, clock: ShiftedClock) -> str:
    clock.shift += 6  # the next probe and the next beat are due
    relay.tick()
    clock.shift += 2
    relay.tick()
    return kafka_state()
