"""SQL by which orders are read."""

from collections.abc import Collection, Sequence
from typing import Any

from domain.orders.order import Order, OrderLine, OrderStatus
from infra.database import placeholders, rows

_COLUMNS = (
    "id, user_id, total_amount, discount_amount, final_amount, coupon_id, user_coupon_id, status, "
    "created_at"
)


def find(order_id: int) -> Order | None:
    """The order, None if there is none."""
    found = rows(f"SELECT {_COLUMNS} FROM orders WHERE id = %s", (order_id,))
    return _with_lines(found)[0] if found else None


def lock(order_ids: Collection[int]) -> dict[int, Order]:
    """The orders that exist, their rows locked by id until the transaction's end."""
    found = rows(
        f"SELECT {_COLUMNS} FROM orders WHERE id IN ({placeholders(len(order_ids))}) "
        "ORDER BY id FOR UPDATE",
        sorted(order_ids),
    )
    return {order.id: order for order in _with_lines(found)}


def owner_of(order_id: int) -> int | None:
    """Whose order it is, None if there is none."""
    found = rows("SELECT user_id FROM orders WHERE id = %s", (order_id,))
    return found[0][0] if found else None


def newest_of_user(user_id: int) -> int | None:
    """The id of a user's latest order, None if there is none."""
    newest: int | None = rows("SELECT MAX(id) FROM orders WHERE user_id = %s", (user_id,))[0][0]
    return newest


def of_user(
    user_id: int, status: OrderStatus | None, newest: int, skip: int, limit: int
) -> list[Order]:
    """A user's orders from ``newest`` on, newest first, without the first ``skip``."""
    clause, params = _of_user(user_id, status, newest)
    found = rows(
        f"SELECT {_COLUMNS} FROM orders WHERE {clause} ORDER BY id DESC LIMIT %s OFFSET %s",
        (*params, limit, skip),
    )
    return _with_lines(found)


def count_of_user(user_id: int, status: OrderStatus | None, newest: int) -> int:
    """How many orders a user has, from ``newest`` on."""
    clause, params = _of_user(user_id, status, newest)
    count: int = rows(f"SELECT COUNT(*) FROM orders WHERE {clause}", params)[0][0]
    return count


def _of_user(user_id: int, status: OrderStatus | None, newest: int) -> tuple[str, list[Any]]:
    if status is None:
        return "user_id = %s AND id <= %s", [user_id, newest]
    return "user_id = %s AND id <= %s AND status = %s", [user_id, newest, str(status)]


def _with_lines(found: Sequence[tuple[Any, ...]]) -> list[Order]:
    lines = _lines([row[0] for row in found])
    return [
        Order(
            id=id_, user_id=user_id, lines=lines[id_], total=total, discount=discount, final=final,
            coupon_id=coupon_id, user_coupon_id=user_coupon_id, status=OrderStatus(status),
            created_at=created_at,
        )
        for (
            id_, user_id, total, discount, final, coupon_id, user_coupon_id, status, created_at,
        ) in found
    ]


def _lines(order_ids: Sequence[int]) -> dict[int, list[OrderLine]]:
    """The lines of orders, in the order in which they were in the cart."""
    lines: dict[int, list[OrderLine]] = {id_: [] for id_ in order_ids}
    if order_ids:
        for order_id, *line in rows(
            "SELECT order_id, product_id, product_name, price, quantity FROM order_items "
            f"WHERE order_id IN ({placeholders(len(order_ids))}) ORDER BY id",
            order_ids,
        ):
            lines[order_id].append(OrderLine(*line))
    return lines
