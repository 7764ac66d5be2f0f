"""What others may ask of orders."""

from collections.abc import Sequence
from typing import Any

from domain.orders import read_store
from domain.orders.errors import OrderNotFound
from domain.orders.order import Order, OrderStatus, represent
from infra.database import session


def find(order_id: int) -> Order:
    """The order. Raises OrderNotFound."""
    with session():
        found = read_store.find(order_id)
    if found is None:
        raise OrderNotFound
    return found


def owner_of(order_id: int) -> int:
    """Whose order it is. Raises OrderNotFound."""
    with session():
        found = read_store.owner_of(order_id)
    if found is None:
        raise OrderNotFound
    return found


def page_of(
    user_id: int, status: OrderStatus | None, page: int, limit: int, newest: int | None = None
) -> tuple[Sequence[dict[str, Any]], int, int | None]:
    """One page of a user's orders, newest first, counted from 1; how many there are in all, and the
    newest of them, if any.

    ``newest`` leaves out what was ordered after that one, so that pages do not shift meanwhile.
    """
    with session():
        if newest is None:
            newest = read_store.newest_of_user(user_id)
        if newest is None:
            return [], 0, None
        found = read_store.of_user(user_id, status, newest, (page - 1) * limit, limit)
        count = read_store.count_of_user(user_id, status, newest)
        return [represent(order) for order in found], count, newest


__all__ = ["Order", "OrderNotFound", "OrderStatus", "find", "owner_of", "page_of", "represent"]
