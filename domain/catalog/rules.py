"""What a product may be and become. Pure: values in, decision out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.catalog.errors import StockTooHigh

MAX_STOCK = 10**9
MAX_PER_USER = 10**9
MAX_CATEGORY_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 5_000


class Sort(StrEnum):
    """How a list of products is ordered; among equals, by id in the same direction."""

    PRICE = "price"
    """Cheapest first."""
    POPULARITY = "popularity"
    """Most sold of all time first."""
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to be made; ``price`` in won. No ``max_per_user``: as many as there are."""

    name: str
    price: int
    stock: int
    category: str | None = None
    description: str = ""
    max_per_user: int | None = None


@dataclass(frozen=True, slots=True)
class Restock:
    """A delivery that came in: stock before and after it."""

    product_id: int
    quantity: int
    previous: int
    stock: int

    @property
    def was_out(self) -> bool:
        """Whether there was none to be had before."""
        return self.previous == 0


def restocked(product_id: int, stock: int, quantity: int) -> Restock:
    """What a delivery of ``quantity`` makes of ``stock``. Raises StockTooHigh over the bound."""
    if stock + quantity > MAX_STOCK:
        raise StockTooHigh(MAX_STOCK, stock)
    return Restock(product_id, quantity, stock, stock + quantity)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """``{field: {before, after}}`` of the fields in ``after`` that ``before`` had otherwise."""
    return {
        field: {"before": before[field], "after": value}
        for field, value in after.items()
        if before[field] != value
    }
