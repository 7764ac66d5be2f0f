"""What a seeding made: the ids that load scripts go on with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Range:
    """Ids in ascending order. They have no gaps unless others inserted at the same time."""

    first: int
    last: int
    count: int

    def as_json(self) -> dict[str, int]:
        return {"first": self.first, "last": self.last, "count": self.count}


def range_of(ids: Sequence[int]) -> Range | None:
    """The range that ascending ``ids`` span, None if there are none."""
    return Range(ids[0], ids[-1], len(ids)) if ids else None


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that one seeding made."""

    users: Range | None = None
    products: Range | None = None
    orders: Range | None = None
    carts: int = 0
    coupons: Sequence[int] = ()

    def as_json(self) -> dict[str, Any]:
        """The stable shape of ``seed --json``; what was not made is null, 0 or empty."""
        return {
            "users": self.users.as_json() if self.users else None,
            "products": self.products.as_json() if self.products else None,
            "orders": self.orders.as_json() if self.orders else None,
            "carts": self.carts,
            "couponIds": list(self.coupons),
        }
