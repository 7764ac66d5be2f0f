"""What the orders tell others."""

from typing import Any

from domain.orders.order import Order, represent
from domain.outbox.events import Event


def order_completed(order: Order, traceparent: str | None) -> Event:
    """``order.completed``: the order as in GET, with its user."""
    return Event("order", order.id, "order.completed", _data(order), traceparent)


def order_cancelled(order: Order, traceparent: str | None) -> Event:
    """``order.cancelled``: the order as in GET, with its user."""
    return Event("order", order.id, "order.cancelled", _data(order), traceparent)


def _data(order: Order) -> dict[str, Any]:
    return {**represent(order), "userId": order.user_id}
