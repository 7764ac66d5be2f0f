"""SQL of the ranking: what the orders say, summed for a window or one by one for a rebuild."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from domain.ranking.rules import Quantities
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
# One row an order, its lines as JSON: what a client spends on a rebuild, it spends on rows.
_ORDERS = (
    "SELECT o.id, o.created_at, ("
    "SELECT JSON_ARRAYAGG(JSON_ARRAY(i.product_id, i.quantity)) "
    "FROM order_items i FORCE INDEX (order_items_of_order) WHERE i.order_id = o.id) "
    "FROM orders o FORCE INDEX (orders_by_status) "
    "WHERE o.status = %s AND o.created_at >= %s AND (o.created_at > %s OR o.id > %s) "
    "ORDER BY o.created_at, o.id LIMIT %s"
)

Order = tuple[int, datetime, Quantities]
"""Its id, created_at, and (product id, quantity) of each line."""


def best_sellers(start: datetime, end: datetime, limit: int) -> list[tuple[int, int]]:
    """(product id, quantity) of completed, uncancelled orders from ``start`` to before ``end``."""
    with session():
        found = rows(_SALES + "ORDER BY sold DESC, i.product_id LIMIT %s", (start, end, limit))
    return [(product_id, int(sold)) for product_id, sold in found]


def quantities(start: datetime, end: datetime) -> dict[int, int]:
    """Quantity by product id, of the same orders."""
    with session():
        return {product_id: int(sold) for product_id, sold in rows(_SALES, (start, end))}


def orders_since(status: str, start: datetime) -> Iterator[list[Order]]:
    """Orders of one status created since ``start``, by createdAt.

    In short reads of :data:`ORDERS_PER_READ`, each on its own: no snapshot is held open however
    many orders there are.
    """
    after, after_id = start, 0
    while True:
        with session():
            found = rows(_ORDERS, (status, after, after, after_id, ORDERS_PER_READ))
        if not found:
            return
        yield [
            (order_id, created_at, orjson.loads(lines) if lines else ())
            for order_id, created_at, lines in found
        ]
        after_id, after, _ = found[-1]


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

