"""What the orders tell others."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.orders.order import Order, OrderLine, OrderStatus, represent
from domain.outbox.event_types import (
    EventData,
    EventShape,
    EventType,
    Id,
    Instant,
    Name,
    Price,
    Won,
)
from domain.outbox.events import EXAMPLE_TRACE, Event


class OrderedItem(EventShape):
    """One product of an order, with its name and price as they were at the order."""

    product_id: Id
    product_name: Name
    price: Price
    quantity: Annotated[int, Field(ge=1, le=999)]
    subtotal: Won


class OrderData(EventData):
    """An order as GET /api/orders/{id} shows it, with its user."""

    order_id: Id
    user_id: Id
    items: Annotated[list[OrderedItem], Field(min_length=1, max_length=100)]
    total_amount: Won
    discount_amount: Won
    final_amount: Won
    # Made by a factory, a default is not shown as one: the field is there or it is not.
    coupon_id: Id = Field(default_factory=int, description="Absent: bought without a coupon")
    created_at: Instant


class OrderCompleted(OrderData):
    """An order was placed and paid for."""

    status: Literal["COMPLETED"]


class OrderCancelled(OrderData):
    """An order was cancelled: its stock, money and coupon were given back."""

    status: Literal["CANCELLED"]


def order_completed(order: Order, traceparent: str | None) -> Event:
    """``order.completed``: the order as in GET, with its user."""
    return Event("order", order.id, "order.completed", _data(order), traceparent)


def order_cancelled(order: Order, traceparent: str | None) -> Event:
    """``order.cancelled``: the order as in GET, with its user."""
    return Event("order", order.id, "order.cancelled", _data(order), traceparent)


def _data(order: Order) -> dict[str, Any]:
    return {**represent(order), "userId": order.user_id}


_EXAMPLE = Order(
    id=1001,
    user_id=42,
    lines=[OrderLine(4, "Parka", 39_000, 1), OrderLine(9, "Wool scarf", 24_500, 2)],
    total=88_000,
    discount=17_600,
    final=70_400,
    coupon_id=7,
    user_coupon_id=31,
    status=OrderStatus.COMPLETED,
    created_at=datetime(2026, 11, 23, 22, 1, 58, 123_000),  # noqa: DTZ001 - UTC, as stored
)

ORDER_COMPLETED = EventType(
    summary="An order was placed and paid for.",
    key="the order's id",
    data=OrderCompleted,
    example=order_completed(_EXAMPLE, EXAMPLE_TRACE),
)
ORDER_CANCELLED = EventType(
    summary="An order was cancelled; its stock, money and coupon were given back.",
    key="the order's id",
    data=OrderCancelled,
    example=order_cancelled(replace(_EXAMPLE, status=OrderStatus.CANCELLED), EXAMPLE_TRACE),
)
