"""Given: orders as the tables hold them, and their events as Kafka carries them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from confluent_kafka import KafkaError, Message

from domain.kernel.clock import rfc3339
from domain.kernel.ids import uuid7
from domain.outbox.events import TOPICS
from infra.database import execute, placeholders, rows, session, transaction
from infra.kafka import producer


@dataclass(frozen=True)
class Order:
    """An order of a test; ``created_at`` is UTC without a zone, as stored."""

    id: int
    created_at: datetime
    lines: tuple[tuple[int, int], ...]
    cancelled: bool = False


@dataclass(frozen=True)
class OrderMessage:
    """An event as it stands on the topic."""

    event_id: UUID
    type: str
    order_id: int
    value: bytes

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        return [("ce_id", str(self.event_id).encode()), ("ce_type", self.type.encode())]


def given_products(count: int, first: int = 1) -> list[int]:
    ids = list(range(first, first + count))
    with session():
        execute(
            "INSERT INTO products (id, name, description, price, stock, category) VALUES "
            + placeholders(count, "(%s, %s, '', %s, 100, 'bags')"),
            [part for one in ids for part in (one, f"product {one}", 1000 + one)],
        )
    return ids


def some_orders(
    count: int, products: Sequence[int], days: int = 5, seed: int = 1, first: int = 1
) -> list[Order]:
    """Orders of the last ``days`` days of three different products each, one in five cancelled."""
    chance = random.Random(seed)
    now = database_now()
    made = []
    for order_id in range(first, first + count):
        lines = tuple((one, chance.randint(1, 5)) for one in chance.sample(list(products), 3))
        age = timedelta(seconds=chance.randrange(days * 86_400))
        made.append(Order(order_id, now - age, lines, cancelled=chance.random() < 0.2))
    return made


def database_now() -> datetime:
    with session():
        [(now,)] = rows("SELECT NOW(3)")
    assert isinstance(now, datetime)
    return now


def store_orders(orders: Iterable[Order]) -> None:
    """As the tables hold them after all that happened to them."""
    orders = list(orders)
    with transaction():
        execute(
            "INSERT INTO orders (id, user_id, total_amount, discount_amount, final_amount, status, "
            "created_at, cancelled_at) VALUES "
            + placeholders(len(orders), "(%s, 1, 1000, 0, 1000, %s, %s, %s)"),
            [
                part
                for one in orders
                for part in (
                    one.id, "CANCELLED" if one.cancelled else "COMPLETED", one.created_at,
                    one.created_at if one.cancelled else None,
                )
            ],
        )
        lines = [(one.id, *line) for one in orders for line in one.lines]
        execute(
            "INSERT INTO order_items (order_id, product_id, product_name, price, quantity) VALUES "
            + placeholders(len(lines), "(%s, %s, 'bag', 1000, %s)"),
            [part for line in lines for part in line],
        )


def cancel_order(order: Order) -> Order:
    """Cancelled in the tables; the order as it is then."""
    with session():
        execute(
            "UPDATE orders SET status = 'CANCELLED', cancelled_at = NOW(3) WHERE id = %s",
            (order.id,),
        )
    return replace(order, cancelled=True)


def completed(order: Order) -> OrderMessage:
    return _message(order, "order.completed", "COMPLETED")


def cancelled(order: Order) -> OrderMessage:
    return _message(order, "order.cancelled", "CANCELLED")


def messages(orders: Iterable[Order]) -> list[OrderMessage]:
    """Each order's events, of one order in order."""
    return [
        one
        for order in orders
        for one in ([completed(order), cancelled(order)] if order.cancelled else [completed(order)])
    ]


def _message(order: Order, event_type: str, status: str) -> OrderMessage:
    value = {
        "schemaVersion": 1, "orderId": order.id, "userId": 1, "totalAmount": 1000,
        "discountAmount": 0, "finalAmount": 1000, "status": status,
        "createdAt": rfc3339(order.created_at),
        "items": [
            {"productId": product_id, "productName": "bag", "price": 1000, "quantity": quantity,
             "subtotal": 1000 * quantity}
            for product_id, quantity in order.lines
        ],
    }
    return OrderMessage(uuid7(), event_type, order.id, orjson.dumps(value))


def publish(events: Sequence[OrderMessage]) -> None:
    """Put events on their topic, those of one order in order, as the relay does."""
    client = producer()
    for one in events:
        client.produce(
            TOPICS["order"], key=str(one.order_id), value=one.value, headers=one.headers,
            on_delivery=_must_arrive,
        )
    assert client.flush(20) == 0


def _must_arrive(error: KafkaError | None, message: Message) -> None:
    assert error is None, error
