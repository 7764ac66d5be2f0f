"""How orders move the stock of products: locked once, decided in memory, written at once.

Products are the last rows that any transaction locks, so that the hottest rows are held shortest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.catalog import stock_store
from domain.catalog.errors import NotEnoughStock, ProductNotFound, TooManyForUser
from domain.catalog.shelf import Shelf


class Reason(StrEnum):
    """Why an order moves stock: the ``kind`` of its movements."""

    ORDER = "order"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Movement:
    """One product of one order; ``quantity`` is signed, what was sold is negative."""

    product_id: int
    quantity: int
    order_id: int


def lock(product_ids: Iterable[int]) -> dict[int, Shelf]:
    """Lock those of the products that exist, by id, each once, and return their shelves."""
    return {shelf.product_id: shelf for shelf in stock_store.lock(sorted(set(product_ids)))}


def hold(product_id: int) -> None:
    """Let nobody move the product's stock before this transaction ends. Raises ProductNotFound."""
    if not stock_store.hold(product_id):
        raise ProductNotFound


def write(
    shelves: Iterable[Shelf], movements: Sequence[Movement], reason: Reason, at: datetime
) -> None:
    """Write what moved on locked shelves, and a row of the ledger for each movement.

    Each stock goes from what was read to what is left; of one that was out, those who wait for it
    will be told. Raises StockMoved when one was not as read.
    """
    moved = [shelf for shelf in shelves if shelf.stock != shelf.opening]
    stock_store.write(moved)
    stock_store.insert_back([shelf.product_id for shelf in moved if shelf.opening == 0])
    stock_store.insert_movements(
        [(one.product_id, str(reason), one.quantity, one.order_id, at) for one in movements]
    )


__all__ = [
    "Movement", "NotEnoughStock", "ProductNotFound", "Reason", "Shelf", "TooManyForUser", "hold",
    "lock", "write",
]
