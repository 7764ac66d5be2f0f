"""A cart while a batch of orders decides about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line of a cart; a cart has one line a product at most."""

    id: int
    product_id: int
    quantity: int


class Basket:
    """A locked cart: its version, its lines, and those that an order has bought."""

    __slots__ = ("bought", "lines", "opening_version", "user_id", "version")

    def __init__(self, user_id: int, version: int, lines: Sequence[BasketLine] = ()) -> None:
        self.user_id = user_id
        self.opening_version = version
        self.version = version
        self.lines = tuple(lines)
        self.bought: tuple[BasketLine, ...] = ()

    def buy(self) -> None:
        """Every line leaves the cart, which is another one from now on.

        ValueError for an empty cart: an order buys something.
        """
        if not self.lines:
            raise ValueError(f"the cart of user {self.user_id} is empty")
        self.bought, self.lines = self.lines, ()
        self.version += 1
