"""SQL of products, apart from what orders do to their stock (see ``stock``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.catalog.rules import NewProduct, Restock, Sort
from infra.database import affected, execute, rows

CHANGEABLE = frozenset({"name", "price", "category", "description", "max_per_user"})
"""Columns that an admin may change; the stock moves by movements only."""


class StockMoved(RuntimeError):
    """A stock changed under this transaction's row lock: the transaction must not commit."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A product as lists show it."""

    id: int
    name: str
    price: int
    stock: int
    category: str | None
    sales_count: int


@dataclass(frozen=True, slots=True)
class Product(Listed):
    """A product, whole."""

    description: str
    max_per_user: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Order:
    """How one sort is read from an index: without a filter, and within a category."""

    column: str
    descending: bool
    index: str
    index_in_category: str


_ORDERS = {
    Sort.PRICE: _Order(
        "price", False, "products_by_price", "products_by_category_and_price"
    ),
    Sort.POPULARITY: _Order(
        "sales_count", True, "products_by_sales", "products_by_category_and_sales"
    ),
    Sort.NEWEST: _Order("id", True, "PRIMARY", "products_by_category_and_age"),
}
_LISTED = "id, name, price, stock, category, sales_count"
_WHOLE = f"{_LISTED}, description, max_per_user, created_at"


def page(
    sort: Sort, category: str | None, after: tuple[int, int] | None, limit: int
) -> list[Listed]:
    """The next ``limit`` products behind the (value, id) of the last one seen.

    Each combination walks one index in its own order from where the last page ended. The index is
    named, since the optimizer prefers to sort a whole table that it takes for small.
    """
    order = _ORDERS[sort]
    direction, beyond = ("DESC", "<") if order.descending else ("ASC", ">")
    conditions: list[str] = []
    params: list[Any] = []
    if category is not None:
        conditions.append("category = %s")
        params.append(category)
    if after is not None and order.column == "id":
        conditions.append(f"id {beyond} %s")
        params.append(after[1])
    elif after is not None:
        # A range for the equals and one for the rest: (a, b) > (x, y) would read the whole index.
        conditions.append(
            f"({order.column} {beyond} %s OR ({order.column} = %s AND id {beyond} %s))"
        )
        params += [after[0], after[0], after[1]]
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    index = order.index if category is None else order.index_in_category
    found = rows(
        f"SELECT {_LISTED} FROM products FORCE INDEX ({index}) {where}"
        f"ORDER BY {order.column} {direction}, id {direction} LIMIT %s",
        (*params, limit),
    )
    return [Listed(*row) for row in found]


def find(product_id: int) -> Product | None:
    """The product, None if there is none."""
    found = rows(f"SELECT {_WHOLE} FROM products WHERE id = %s", (product_id,))
    return Product(*found[0]) if found else None


def lock(product_id: int) -> Product | None:
    """The same, its row locked until the transaction's end."""
    found = rows(f"SELECT {_WHOLE} FROM products WHERE id = %s FOR UPDATE", (product_id,))
    return Product(*found[0]) if found else None


def stock_of(product_id: int) -> int | None:
    """How many there are, None if there is no such product."""
    found = rows("SELECT stock FROM products WHERE id = %s", (product_id,))
    return found[0][0] if found else None


def insert(product: NewProduct) -> int:
    """Insert a product with the opening movement of its stock, and return its id."""
    cursor = execute(
        "INSERT INTO products (name, price, stock, category, description, max_per_user) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (
            product.name, product.price, product.stock, product.category, product.description,
            product.max_per_user,
        ),
    )
    product_id = int(cursor.lastrowid)
    _insert_movement(product_id, "opening", product.stock)
    return product_id


def update(product_id: int, changes: Mapping[str, Any]) -> None:
    """Write ``changes`` by column. Raises ValueError for a column that is not to be changed."""
    if not changes or not changes.keys() <= CHANGEABLE:
        raise ValueError(f"not to be changed like this: {sorted(changes)}")
    columns = ", ".join(f"{column} = %s" for column in changes)
    execute(f"UPDATE products SET {columns} WHERE id = %s", (*changes.values(), product_id))


def write_restock(restock: Restock) -> None:
    """Write a restock of the product that the caller locked. Raises StockMoved."""
    updated = affected(
        "UPDATE products SET stock = %s WHERE id = %s AND stock = %s",
        (restock.stock, restock.product_id, restock.previous),
    )
    if updated != 1:
        raise StockMoved(f"the stock of product {restock.product_id} was not as read")
    _insert_movement(restock.product_id, "restock", restock.quantity)


def _insert_movement(product_id: int, kind: str, quantity: int) -> None:
    execute(
        "INSERT INTO stock_movements (product_id, kind, quantity) VALUES (%s, %s, %s)",
        (product_id, kind, quantity),
    )
