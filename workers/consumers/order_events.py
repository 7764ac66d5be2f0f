"""Order events as they stand on the topic."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from confluent_kafka import Message

COMPLETED = "order.completed"
CANCELLED = "order.cancelled"
READ_VERSIONS = frozenset({1})


class Unreadable(ValueError):
    """A message that is no order event, whatever it is."""


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """``order`` is the event's JSON as it came; ``quantities`` are its lines' (product, quantity).
    """

    event_id: UUID
    type: str
    order_id: int
    created_at: datetime
    quantities: tuple[tuple[int, int], ...]
    order: str


def parse(message: Message) -> OrderEvent | None:
    """The order event in ``message``; None for an event of a type that came later than this code.

    Raises Unreadable with the reason for anything else.
    """
    headers: dict[str, Any] = dict(message.headers() or [])
    try:
        event_type = headers["ce_type"].decode()
        if event_type not in (COMPLETED, CANCELLED):
            return None
        return _read(UUID(headers["ce_id"].decode()), event_type, message.value() or b"")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _read(event_id: UUID, event_type: str, value: bytes) -> OrderEvent:
    order = orjson.loads(value)
    if order["schemaVersion"] not in READ_VERSIONS:
        raise ValueError(f"schemaVersion {order['schemaVersion']}")
    created_at = datetime.fromisoformat(order["createdAt"])
    if created_at.tzinfo is None:
        raise ValueError("createdAt names no time zone")
    return OrderEvent(
        event_id=event_id,
        type=event_type,
        order_id=_positive(order["orderId"]),
        created_at=created_at,
        quantities=tuple(
            (_positive(item["productId"]), _positive(item["quantity"])) for item in order["items"]
        ),
        order=value.decode(),
    )


def _positive(value: object) -> int:
    if type(value) is not int or not 0 < value < 2**63:
        raise ValueError(f"{value!r} is no positive 64-bit integer")
    return value
