"""SQL of the ranking: what the orders say, summed for a window or one by one for a rebuild."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from infra.database import placeholders, rows, session

ORDERS_PER_READ = 1000

# Both indexes cover: orders (status, created_at) with the id that InnoDB appends, and order_items
# (order_id, product_id, quantity). Neither table's rows are read.
_SALES = (
    "SELECT i.product_id, SUM(i.quantity) AS sold "
    "FROM orders o FORCE INDEX (orders_by_status) "
    "STRAIGHT_JOIN order_items i FORCE INDEX (order_items_of_order) ON i.order_id = o.id "
    "WHERE o.status = 'COMPLETED' AND o.created_at >= %s AND o.created_at < %s "
    "GROUP BY i.product_id "
)
_ORDERS = (
    "SELECT o.id, o.created_at, i.product_id, i.quantity FROM ("
    "SELECT id, created_at FROM orders FORCE INDEX (orders_by_status) "
    "WHERE status = %s AND created_at >= %s AND (created_at > %s OR id > %s) "
    "ORDER BY created_at, id LIMIT %s) o "
    "STRAIGHT_JOIN order_items i FORCE INDEX (order_items_of_order) ON i.order_id = o.id "
    "ORDER BY o.created_at, o.id"
)

Line = tuple[int, datetime, int, int]
"""Order id, its created_at, product id, quantity."""


def best_sellers(start: datetime, end: datetime, limit: int) -> list[tuple[int, int]]:
    """(product id, quantity) of completed, uncancelled orders from ``start`` to before ``end``."""
    with session():
        found = rows(_SALES + "ORDER BY sold DESC, i.product_id LIMIT %s", (start, end, limit))
    return [(product_id, int(sold)) for product_id, sold in found]


def quantities(start: datetime, end: datetime) -> dict[int, int]:
    """Quantity by product id, of the same orders."""
    with session():
        return {product_id: int(sold) for product_id, sold in rows(_SALES, (start, end))}


def orders_since(status: str, start: datetime) -> Iterator[list[tuple[int, datetime, list[Line]]]]:
    """Orders of one status created since ``start``, with their lines, by createdAt.

    In short reads of :data:`ORDERS_PER_READ`, each on its own: no snapshot is held open however
    many orders there are.
    """
    after, after_id = start, 0
    while True:
        with session():
            lines = rows(_ORDERS, (status, after, after, after_id, ORDERS_PER_READ))
        orders = [
            (order_id, created_at, list(group))
            for (order_id, created_at), group in groupby(lines, key=itemgetter(0, 1))
        ]
        if not orders:
            return
        yield orders
        after_id, after, _ = orders[-1]


def snapshot() -> tuple[datetime, int]:
    """The database's clock and its newest order's id."""
    with session():
        [(now, newest)] = rows("SELECT NOW(3), COALESCE(MAX(id), 0) FROM orders")
    return now, newest


def products(ids: list[int]) -> dict[int, dict[str, Any]]:
    """What the ranking shows of each product, by id."""
    if not ids:
        return {}
    with session():
        found = rows(
            "SELECT id, name, price, stock, category FROM products WHERE id IN ("
            + placeholders(len(ids)) + ")",
            ids,
        )
    names = ("productId", "name", "price", "stock", "category")
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}

