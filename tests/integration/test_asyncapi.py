"""What the topics carry is what the AsyncAPI document says: real effects, read from the broker."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from redis import Redis

from domain.outbox.events import TOPICS
from infra.topic_settings import PARTITIONS
from tests.support.asyncapi.view import asyncapi, complaints, messages_of, strictly
from tests.support.client import Client
from tests.support.market import given_coupon, given_product, put_in_cart, select
from tests.support.outbox import Record, Topics, make_relay
from tests.support.shop import given_users, work

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


class Shop:
    """Commands by HTTP, done by the workers' handlers, and what they answered."""

    def __init__(self, client: Client, redis: Redis) -> None:
        self.client = client
        self._redis = redis

    def done(self, caller: Client, path: str, body: Any = None) -> dict[str, Any]:
        """The result of a job that must succeed."""
        accepted = caller.post(path, body, headers=TRACED)
        assert accepted.status_code == 202, accepted.text
        work(self._redis)
        job = caller.get(accepted.headers["Location"]).get_json()
        assert job["status"] == "succeeded", job
        result: dict[str, Any] = job["result"]
        return result

    def published(self, topics: Topics) -> list[Record]:
        """All that has reached the broker once the relay has run."""
        relay = make_relay()
        try:
            relay.tick()
        finally:
            relay.close()
        assert select("SELECT DISTINCT status FROM outbox_events") == [("published",)]
        return list(topics.read())


@pytest.fixture
def shop(client: Client, redis: Redis) -> Shop:
    return Shop(client, redis)


@pytest.fixture
def topics(database: None) -> Iterator[Topics]:
    with Topics() as eyes:
        yield eyes


def schema_complaints(record: Record) -> list[str]:
    """What the document has against a record: an unknown type, a header, a field."""
    message = messages_of(record.topic).get(record.headers.get("ce_type", ""))
    if message is None:
        return [f"{record.topic} carries no {record.headers.get('ce_type')}"]
    value = orjson.loads(record.value)
    return [
        *complaints(strictly(message["headers"]), record.headers),
        *complaints(strictly(message["payload"]), value),
        *([] if record.key == record.headers.get("ce_subject") else ["the key is another"]),
        *([] if record.partition < PARTITIONS else ["there is no such partition"]),
    ]


def value_of(records: list[Record], kind: str) -> list[dict[str, Any]]:
    """The payloads of one type, without their version."""
    values = [orjson.loads(one.value) for one in records if one.headers["ce_type"] == kind]
    assert all(value.pop("schemaVersion") == 1 for value in values)
    return values


def test_every_message_is_as_the_document_says(shop: Shop, topics: Topics) -> None:
    # Given a user with two kinds of coupons, some money and a cart of several things
    [owner] = given_users(0)
    user, admin = shop.client.user(owner), shop.client.admin()
    products = [given_product(50, price) for price in (1_000, 24_500)]
    coupons = [given_coupon(1, "percentage", 20), given_coupon(5, "fixed", 500)]
    charges = [
        shop.done(user, f"/api/users/{owner}/balance/charge", {"amount": 100_000, **more})
        for more in ({}, {"transactionId": "tx-1", "paymentMethod": "card"})
    ]
    issued = [shop.done(user, f"/api/coupons/{coupon}/issue") for coupon in coupons]
    # When they order, with a coupon and without, and cancel one of the orders
    put_in_cart(owner, dict.fromkeys(products, 2))
    with_coupon = shop.done(user, "/api/orders", {"couponId": coupons[0]})
    put_in_cart(owner, {products[0]: 1})
    without = shop.done(user, "/api/orders")
    as_completed = user.get(f"/api/orders/{with_coupon['orderId']}").get_json()
    cancelled = shop.done(user, f"/api/orders/{with_coupon['orderId']}/cancel")
    # And deliveries come in, of what was out and of what was not
    out = given_product(0)
    restocks = [
        admin.post(f"/api/products/{product}/restock", {"quantity": 3}, headers=TRACED).get_json()
        for product in (out, products[0])
    ]
    records = shop.published(topics)
    # Then every message is on its topic, and the document tells each header and field of it
    assert {one.topic for one in records} == set(TOPICS.values())
    assert [complaint for one in records for complaint in schema_complaints(one)] == []
    # And every type that the document tells has been seen
    told = set(asyncapi()["components"]["messages"])
    assert {one.headers["ce_type"] for one in records} == told
    # And all say whose request they come from
    assert {one.headers["traceparent"].split("-")[1] for one in records} == {TRACE}
    # And an order is told as GET answers it, with its user; the others as their jobs' results, a
    # charge with what the client calls it
    now = user.get(f"/api/orders/{with_coupon['orderId']}").get_json()
    assert (as_completed, now) == (with_coupon, cancelled)
    mine = {"userId": owner}
    completed = sorted(value_of(records, "order.completed"), key=lambda order: order["orderId"])
    assert completed == [{**as_completed, **mine}, {**without, **mine}]
    assert value_of(records, "order.cancelled") == [{**now, **mine}]
    told_of = sorted(value_of(records, "coupon.issued"), key=lambda one: one["userCouponId"])
    assert told_of == [{**one, **mine} for one in issued]
    assert value_of(records, "balance.charged") == [
        charges[0], {**charges[1], "transactionId": "tx-1"}
    ]
    was_out = sorted(value_of(records, "product.restocked"), key=lambda one: not one["wasOut"])
    assert was_out == restocks
    assert [one["wasOut"] for one in was_out] == [True, False]


def test_what_nobody_asked_for_with_a_trace_has_none(shop: Shop, topics: Topics) -> None:
    """The relay sends what stands in the outbox, and the header is left out, not empty."""
    from domain.catalog import service

    # Given a delivery that no request led to
    service.restock(given_product(0), 3, admin_id=1)
    # Then its message is in order without a trace
    [record] = shop.published(topics)
    assert "traceparent" not in record.headers
    assert schema_complaints(record) == []


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("UPDATE outbox_events SET payload = JSON_SET(payload, '$.margin', 7)", "margin"),
        ("UPDATE outbox_events SET payload = JSON_REMOVE(payload, '$.wasOut')", "wasOut"),
        ("UPDATE outbox_events SET payload = JSON_SET(payload, '$.stock', '3')", "stock"),
        ("UPDATE outbox_events SET type = 'product.lost'", "product.lost"),
        ("UPDATE outbox_events SET traceparent = 'nonsense'", "traceparent"),
    ],
    ids=["a new field", "a field less", "another type", "an unknown event", "a bad header"],
)
def test_what_the_document_does_not_tell_is_found(
    shop: Shop, topics: Topics, damage: str, complaint: str
) -> None:
    """The check above can fail."""
    from domain.catalog import service
    from infra.database import execute, session

    service.restock(given_product(0), 3, admin_id=1)
    with session():
        execute(damage)
    [record] = shop.published(topics)
    assert any(complaint in one for one in schema_complaints(record))
