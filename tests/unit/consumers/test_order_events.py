"""Order events as they come from Kafka, and what comes instead."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.consumers.order_events import Unreadable, parse

EVENT_ID = "019365b0-0000-7000-8000-000000000001"


class Message:
    """Of a Kafka message, what is read."""

    def __init__(self, value: bytes | None, headers: Any) -> None:
        self._value, self._headers = value, headers

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> Any:
        return self._headers


def order(**changes: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 1, "orderId": 7, "userId": 3, "totalAmount": 3000, "discountAmount": 0,
        "finalAmount": 3000, "status": "COMPLETED", "createdAt": "2026-11-23T15:00:00.123Z",
        "items": [
            {"productId": 1, "productName": "가방", "price": 1000, "quantity": 1, "subtotal": 1000},
            {"productId": 4, "productName": "b", "price": 1000, "quantity": 2, "subtotal": 2000},
        ],
        **changes,
    }


def message(value: Any = None, event_id: str = EVENT_ID, kind: str = "order.completed") -> Message:
    body = orjson.dumps(order() if value is None else value)
    return Message(body, [("ce_id", event_id.encode()), ("ce_type", kind.encode())])


def test_reads_an_order_event() -> None:
    event = parse(message())
    assert event is not None
    assert event.event_id == UUID(EVENT_ID)
    assert event.order_id == 7
    assert event.created_at == datetime(2026, 11, 23, 15, 0, 0, 123000, tzinfo=UTC)
    assert event.quantities == ((1, 1), (4, 2))
    assert orjson.loads(event.order) == order()


def test_passes_by_types_of_later_releases_whatever_they_hold() -> None:
    assert parse(message(value=["?"], kind="order.shipped")) is None


@pytest.mark.parametrize(
    "broken",
    [
        Message(None, None),
        Message(b"{}", []),
        Message(orjson.dumps(order()), [("ce_type", b"order.completed")]),
        Message(orjson.dumps(order()), [("ce_type", None), ("ce_id", b"x")]),
        Message(None, [("ce_id", EVENT_ID.encode()), ("ce_type", b"order.completed")]),
        Message(b"\xff\xfe", [("ce_id", EVENT_ID.encode()), ("ce_type", b"order.completed")]),
        message(event_id="not a uuid"),
        message([]),
        message({}),
        message(order(schemaVersion=2)),
        message(order(createdAt="yesterday")),
        message(order(createdAt="2026-11-23T15:00:00")),
        message(order(createdAt=None)),
        message(order(orderId="7")),
        message(order(orderId=True)),
        message(order(orderId=0)),
        message(order(items=None)),
        message(order(items=[{"productId": 1}])),
        message(order(items=[{"productId": 1, "quantity": -1}])),
        message(order(items=[{"productId": 1, "quantity": 1.5}])),
    ],
)
def test_names_what_cannot_be_read(broken: Message) -> None:
    with pytest.raises(Unreadable):
        parse(broken)  # type: ignore[arg-type]


@given(st.binary(), st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type"]), st.binary())))
def test_nothing_else_than_unreadable_comes_of_noise(
    value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    typed = [*headers, ("ce_type", b"order.completed"), ("ce_id", EVENT_ID.encode())]
    with pytest.raises(Unreadable):
        parse(Message(value, typed))  # type: ignore[arg-type]
