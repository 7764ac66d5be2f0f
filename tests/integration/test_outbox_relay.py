"""The relay on a real database and a real Kafka: what arrives, in which order, and its marks."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from domain.outbox import store
from domain.outbox.events import SHARDS, TOPICS
from infra import metrics
from infra.database import execute, rows, session, transaction
from tests.support.outbox import (
    Topics,
    committed,
    event,
    given_events,
    let_retries_be_due,
    make_relay,
    outbox,
)

pytestmark = pytest.mark.usefixtures("database")

TOO_LARGE = 1_000_000
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def topics(database: None) -> Iterator[Topics]:
    with Topics() as eyes:
        yield eyes


def test_every_event_arrives_once_in_the_order_of_its_aggregate(topics: Topics) -> None:
    # Given 600 events of 40 aggregates of all types, a hot one among them
    kinds = list(TOPICS)
    given_events(*[event(at % 10 if at % 3 else 1, at, kinds[at % 4]) for at in range(600)])
    # When the relay ticks
    published = make_relay(batch=100).tick()
    # Then each arrived once, in its order, and is marked
    assert published == 600
    assert len(topics.read()) == 600
    assert topics.firsts() == committed()
    assert set(outbox("status, attempts, pending_shard")) == {("published", 0, None)}
    assert all(published_at for (published_at,) in outbox("published_at"))


def test_all_that_waits_is_read_at_once_where_it_is_little(database: None) -> None:
    # Given ten events, and one of another type
    given_events(*[event(at, 1, "order") for at in range(10)], event(1, 1, "wallet"))
    with session():
        # When they are asked for with room for more, Then all are told, each shard's in order
        found = store.all_pending(range(SHARDS), 12)
        assert found is not None
        assert sorted(found) == sorted(store.pending(range(SHARDS), 200))
        assert [one.id for one in store.all_pending(range(SHARDS), 12, ["order"]) or ()] == [11]
        # But not when there may be more than there is room for
        assert store.all_pending(range(SHARDS), 11) is None


def test_one_that_waits_for_a_retry_holds_back_its_aggregate_only(database: None) -> None:
    # Given two events each of two aggregates, the first of one of them postponed
    first, *_ = given_events(event(1, 1), event(1, 2), event(2, 1), event(2, 2))
    with session():
        [held] = [one for one in store.pending(range(SHARDS), 200) if one.id == first]
        store.postpone(held, 60, "refused")
        # Then the others' alone can be sent, however they are asked for
        for found in (store.pending(range(SHARDS), 200), store.all_pending(range(SHARDS), 200)):
            assert {one.aggregate_id for one in found or ()} == {2}


def test_a_record_is_a_cloudevent_in_binary_mode(topics: Topics) -> None:
    # Given one event with a trace
    [row_id] = given_events(event(42, 7, "wallet"))
    with session():
        execute("UPDATE outbox_events SET traceparent = %s", (TRACEPARENT,))
    # When it is published
    make_relay().tick()
    # Then its record is as the contract says
    [record] = topics.read()
    [(event_id, created_at)] = outbox("event_id, created_at")
    assert (record.topic, record.key) == ("wallet.events", "42")
    assert orjson.loads(record.value) == {"schemaVersion": 1, "aggregate": 42, "number": 7}
    made = record.headers.pop("ce_time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made)
    assert datetime.fromisoformat(made) == created_at.replace(tzinfo=UTC)
    assert record.headers == {
        "ce_specversion": "1.0",
        "ce_id": str(UUID(bytes=event_id)),
        "ce_type": "wallet.happened",
        "ce_source": "/shop/wallet",
        "ce_subject": "42",
        "content-type": "application/json",
        "traceparent": TRACEPARENT,
    }
    assert row_id


def test_an_event_committed_late_with_a_low_id_is_not_passed_over(topics: Topics) -> None:
    # Given a transaction that has inserted and not committed, and a later one that has
    with session():
        execute(
            "INSERT INTO outbox_events (id, event_id, aggregatetype, aggregateid, type, payload, "
            "pending_shard, created_at) VALUES (1000, REPEAT('a', 16), 'order', 1, 'order.late', "
            "'{}', 3, NOW(3))"
        )
    relay = make_relay()
    assert relay.tick() == 1
    # When it commits, its id below what was published already
    with session():
        execute(
            "INSERT INTO outbox_events (id, event_id, aggregatetype, aggregateid, type, payload, "
            "pending_shard, created_at) VALUES (10, REPEAT('b', 16), 'order', 2, 'order.late', "
            "'{}', 3, NOW(3))"
        )
    # Then it is published too
    assert relay.tick() == 1
    assert len(topics.read()) == 2


def test_marking_does_not_wait_for_a_transaction_that_inserts() -> None:
    # Given an open transaction with a new event, after many committed ones
    given_events(*[event(at) for at in range(400)])
    relay = make_relay()
    with transaction():
        execute(
            "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
            "pending_shard, created_at) VALUES (REPEAT('a', 16), 'order', 2, 'x', '{}', 3, NOW(3))"
        )
        # When the relay ticks from another thread, Then it is done before the lock wait would end
        import concurrent.futures

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            assert pool.submit(relay.tick).result(timeout=10) == 400


def test_another_relays_mark_is_not_overwritten() -> None:
    # Given an event that is dead by the time its confirmation comes
    given_events(event(1))
    relay = make_relay()
    relay.tick()
    with session():
        execute("UPDATE outbox_events SET status = 'pending', pending_shard = 3")
    before = metrics.outbox_not_ours._value.get()
    send = relay._courier.send

    def send_and_be_overtaken(events, go_on):  # type: ignore[no-untyped-def]
        outcome = send(events, go_on)
        with session():
            execute("UPDATE outbox_events SET status = 'dead', pending_shard = NULL")
        return outcome

    relay._courier.send = send_and_be_overtaken  # type: ignore[method-assign]
    # When the relay publishes it
    relay.tick()
    # Then the row is left as the other made it, and that is counted
    assert outbox("status") == [("dead",)]
    assert metrics.outbox_not_ours._value.get() == before + 1


def test_the_relay_says_how_it_is() -> None:
    # Given a relay that has published, with an event that waits for its retry
    given_events(event(1), event(2, size=TOO_LARGE))
    relay = make_relay()
    relay.tick()
    # When it ticks a second later
    time.sleep(1.1)
    relay.tick()
    # Then /readyz can read how it is, fresh
    with session():
        [(detail, seconds)] = rows(
            "SELECT detail, TIMESTAMPDIFF(SECOND, beat_at, NOW(3)) FROM heartbeats "
            "WHERE name = 'relay'"
        )
    told = orjson.loads(detail)
    assert seconds < 5
    assert told.pop("holder")
    assert datetime.fromisoformat(told.pop("since"))
    assert told.pop("oldestSeconds") > 0
    assert told == {"kafka": "up", "reason": "", "topics": [], "pending": 1, "shards": 16}
    assert metrics.outbox_pending._value.get() == 1


# ── events that are at fault themselves ───────────────────────────────────────────────────────────


def test_an_event_too_large_waits_holding_its_aggregate_then_dies_and_can_be_redriven(
    topics: Topics,
) -> None:
    from domain.outbox.service import list_events, redrive

    # Given a large event in the middle of aggregate 1, and another aggregate
    first, large, behind, other = given_events(
        event(1, 1), event(1, 2, size=TOO_LARGE), event(1, 3), event(2, 4)
    )
    relay = make_relay(max_attempts=3)
    # When the relay ticks, Then what is behind it waits for it, the rest is published
    assert relay.tick() == 2
    assert outbox() == [("published", 0), ("pending", 1), ("pending", 0), ("published", 0)]
    # And it waits five seconds, then ten, by the database's clock
    assert 4 < _wait(large) <= 5
    assert relay.tick() == 0
    let_retries_be_due()
    assert relay.tick() == 0
    assert 9 < _wait(large) <= 10
    assert outbox()[1:3] == [("pending", 2), ("pending", 0)]
    # When its last attempt has failed, Then it is dead and the others flow
    let_retries_be_due()
    assert relay.tick() == 1
    assert outbox("status, attempts, pending_shard, next_attempt_at IS NULL")[1] == (
        "dead", 3, None, 1,
    )
    assert outbox()[2] == ("published", 0)
    [dead], cursor = list_events("dead", 10)
    assert (dead["id"], dead["attempts"], cursor) == (large, 3, None)
    assert "bytes" in dead["lastError"]
    # When it is mended and redriven, Then it comes late
    with session():
        execute("UPDATE outbox_events SET payload = '{}' WHERE id = %s", (large,))
    assert redrive(large, lambda *_: None)["status"] == "pending"
    assert relay.tick() == 1
    order = committed()["orders.events/1"]
    assert topics.firsts()["orders.events/1"] == [order[0], order[2], order[1]]
    assert len(topics.read()) == 4
    assert first < large < behind < other


def test_waiting_aggregates_do_not_fill_the_batch(topics: Topics) -> None:
    # Given more waiting events in a shard than a batch takes, all before one that may go
    given_events(event(1, 0, size=TOO_LARGE), *[event(1, at) for at in range(1, 50)], event(17, 1))
    with session():
        execute("UPDATE outbox_events SET pending_shard = 3")
    relay = make_relay(batch=16)
    # When the relay ticks, Then that one goes
    assert relay.tick() == 1
    assert [record.key for record in topics.read()] == ["17"]


def test_an_unknown_aggregate_type_is_the_events_own_fault() -> None:
    with session():
        execute(
            "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
            "pending_shard, created_at) VALUES (REPEAT('a', 16), 'parcel', 2, 'x', '{}', 3, NOW(3))"
        )
    make_relay().tick()
    assert outbox("status, attempts, last_error") == [
        ("pending", 1, "no topic for aggregate type parcel")
    ]


def _wait(row_id: int) -> float:
    with session():
        return float(
            rows(
                "SELECT TIMESTAMPDIFF(MICROSECOND, NOW(3), next_attempt_at) / 1e6 "
                "FROM outbox_events WHERE id = %s",
                (row_id,),
            )[0][0]
        )
