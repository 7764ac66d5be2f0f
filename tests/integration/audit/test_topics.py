"""What audit makes of what Kafka holds."""

from uuid import UUID, uuid4

from confluent_kafka import Producer

from audit import audit
from infra.database import execute, rows, session
from infra.settings import settings
from tests.integration.audit.shop import broken, corrupt
from tests.support.healthy_shop import event
from tests.support.topics import produce, publish_all


def test_an_event_that_kafka_does_not_hold_is_missed(shop: None) -> None:
    # Given an event that is marked published, and was never sent
    with session():
        event("product.restocked", "product", 3, {"productId": 3})
    corrupt(
        "UPDATE outbox_events SET status = 'published', pending_shard = NULL, "
        "published_at = NOW(3) WHERE status = 'pending'"
    )
    # When audited, Then it is named
    report = audit(settings())
    assert broken(report) == {6: {"event-not-in-kafka"}}
    [violation] = report.findings[5].violations
    assert violation.examples[0].values["aggregateId"] == 3


def test_an_event_that_the_topics_no_longer_keep_is_not_missed(shop: None) -> None:
    # Given the same, from before the topics' seven days
    with session():
        event("product.restocked", "product", 3, {"productId": 3})
    corrupt(
        "UPDATE outbox_events SET status = 'published', pending_shard = NULL, "
        "created_at = NOW(3) - INTERVAL 8 DAY, published_at = created_at WHERE status = 'pending'"
    )
    # When audited, Then nothing is wrong
    assert broken(audit(settings())) == {}


def test_repeats_in_kafka_are_no_violation(whole_shop: None) -> None:
    # Given every event sent a second time, as a relay does that was killed before marking them
    corrupt("UPDATE outbox_events SET status = 'pending', pending_shard = 0")
    publish_all()
    # When audited, Then order is judged by the first appearances
    assert broken(audit(settings())) == {}


def test_a_redriven_event_may_come_late(shop: None) -> None:
    # Given a completed order's event that was dead while its cancelling was published
    corrupt(
        "UPDATE outbox_events SET id = id + 1000 WHERE type = 'order.cancelled'",
        "UPDATE outbox_events SET id = id + 2000, last_error = 'too large' "
        "WHERE type = 'order.completed' AND aggregateid = 22",
        "UPDATE outbox_events SET id = id - 2000 WHERE id > 2000",
    )
    # When audited, Then its place in Kafka is not held against it
    assert broken(audit(settings())) == {}


def test_what_is_written_after_the_snapshot_is_not_unknown(whole_shop: None) -> None:
    # Given an event that is made and sent while the audit runs
    def meanwhile(step: str) -> None:
        if step == "6 Outbox":
            with session():
                event("product.restocked", "product", 3, {"productId": 3})
            publish_all()

    # When audited, Then Kafka holds one more than the snapshot, and nothing is wrong
    report = audit(settings(), tell=meanwhile)
    assert broken(report) == {}
    outbox = report.findings[5].examined
    assert outbox["eventsInKafka"] > outbox["events"]


def test_what_is_recorded_as_lost_is_not_unknown(whole_shop: None) -> None:
    # Given an event in Kafka that the outbox does not know, as after a backup was put back
    lost = uuid4()
    producer = Producer({"bootstrap.servers": settings().kafka_bootstrap_servers})
    produce(producer, lost, "wallet.events", "1")
    assert producer.flush(10) == 0
    assert broken(audit(settings())) == {6: {"event-unknown"}}
    # When it is written down as lost, Then audit holds
    with session():
        execute(
            "INSERT INTO lost_events (event_id, aggregatetype, aggregateid, type, payload, "
            "happened_at) VALUES (%s, 'wallet', 1, 'balance.charged', '{}', NOW(3))",
            (lost.bytes,),
        )
    assert broken(audit(settings())) == {}


def test_a_message_under_a_wrong_key_is_named(whole_shop: None) -> None:
    # Given an event's repeat under another key, and a message that is no event
    with session():
        [(event_id,)] = rows("SELECT event_id FROM outbox_events WHERE type = 'order.cancelled'")
    producer = Producer({"bootstrap.servers": settings().kafka_bootstrap_servers})
    produce(producer, UUID(bytes=event_id), "orders.events", "21")
    producer.produce("orders.events", value=b"{}", key=b"22")
    produce(producer, uuid4(), "wallet.events", "1")
    assert producer.flush(10) == 0
    # When audited
    report = audit(settings())
    # Then each is named
    assert broken(report) == {6: {"event-misplaced", "event-unknown"}}
    counts = {one.rule: one.count for one in report.findings[5].violations}
    assert counts == {"event-misplaced": 2, "event-unknown": 1}
