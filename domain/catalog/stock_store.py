"""SQL by which orders lock and move stock."""

from collections.abc import Sequence
from datetime import datetime

from domain.catalog.shelf import Shelf
from domain.catalog.store import StockMoved
from infra.database import affected, placeholders, put_off, rows

PRODUCTS_AT_ONCE = 500
"""In one statement. The CASE of an UPDATE is searched for each row, so that its work grows with the
square; and a list of 1,000 MariaDB joins like a table, which locks in the order that the join has
(https://mariadb.com/kb/en/conversion-of-big-in-predicates-into-subqueries/)."""


def lock(ids: Sequence[int]) -> list[Shelf]:
    """Lock the products among ``ids``, which ascend, in that order."""
    shelves: list[Shelf] = []
    for start in range(0, len(ids), PRODUCTS_AT_ONCE):
        part = ids[start : start + PRODUCTS_AT_ONCE]
        found = rows(
            "SELECT id, name, price, stock, max_per_user FROM products "
            f"WHERE id IN ({placeholders(len(part))}) ORDER BY id FOR UPDATE",
            part,
        )
        shelves += [Shelf(*row) for row in found]
    return shelves


def hold(product_id: int) -> bool:
    """Lock the product against changes, shared with others who do. Returns whether it exists."""
    return bool(
        rows("SELECT id FROM products WHERE id = %s LOCK IN SHARE MODE", (product_id,))
    )


def write(shelves: Sequence[Shelf]) -> None:
    """Write stock and sales of shelves that moved. Raises StockMoved unless each was as read."""
    for start in range(0, len(shelves), PRODUCTS_AT_ONCE):
        part = shelves[start : start + PRODUCTS_AT_ONCE]
        updated = _update(part)
        if updated != len(part):
            raise StockMoved(f"{updated} of {len(part)} stocks were as read")


def _update(shelves: Sequence[Shelf]) -> int:
    some, whens = len(shelves), " ".join(["WHEN %s THEN %s"] * len(shelves))
    return affected(
        f"UPDATE products SET stock = CASE id {whens} END, "
        f"sales_count = sales_count + CASE id {whens} END "
        f"WHERE id IN ({placeholders(some)}) AND (id, stock) IN ({placeholders(some, '(%s,%s)')})",
        [
            *(value for one in shelves for value in (one.product_id, one.stock)),
            *(value for one in shelves for value in (one.product_id, one.sold)),
            *(one.product_id for one in shelves),
            *(value for one in shelves for value in (one.product_id, one.opening)),
        ],
    )


def insert_movements(movements: Sequence[tuple[int, str, int, int, datetime]]) -> None:
    """Insert rows of the ledger: product, kind, signed quantity, order, instant."""
    if movements:
        put_off(
            "INSERT INTO stock_movements (product_id, kind, quantity, order_id, created_at) VALUES "
            + placeholders(len(movements), "(%s,%s,%s,%s,%s)"),
            [value for movement in movements for value in movement],
        )


def insert_back(product_ids: Sequence[int]) -> None:
    """Note that the stock of these locked products went from 0 to more: who waits will be told."""
    if product_ids:
        put_off(
            "INSERT INTO back_in_stock (product_id) VALUES "
            + placeholders(len(product_ids), "(%s)"),
            product_ids,
        )
