"""A shop in memory: what the tables hold, and how a batch of orders reads and writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.cart.basket import Basket, BasketLine
from domain.catalog.shelf import Shelf
from domain.coupons.rules import Discount, DiscountType, HeldCoupon
from domain.kernel.errors import DomainError
from domain.orders.rules import Counter, Purchase, Wish
from domain.wallet.rules import Account

NOW = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - UTC, as stored
DAY = timedelta(days=1)
COUPON = 7

Ending = Purchase | str
"""An order that was placed, or the code of its refusal."""


@dataclass
class MemoryShop:
    """Balances, carts (version, quantity by product), stocks, prices, coupons and purchases."""

    balances: dict[int, int]
    carts: dict[int, tuple[int, dict[int, int]]]
    stocks: dict[int, int]
    prices: Mapping[int, int]
    limits: Mapping[int, int] = field(default_factory=dict)
    discounts: dict[int, Discount] = field(default_factory=dict)
    """By user: the discount of the one coupon that they hold."""
    used: set[int] = field(default_factory=set)
    bought: dict[tuple[int, int], int] = field(default_factory=dict)

    def counter(self) -> Counter:
        """What a batch locks and reads."""
        return Counter(
            {user: Account(user, balance) for user, balance in self.balances.items()},
            {
                user: Basket(
                    user, version, [BasketLine(100 * user + p, p, q) for p, q in lines.items()]
                )
                for user, (version, lines) in self.carts.items()
            },
            {
                product: Shelf(
                    product, f"p{product}", self.prices[product], stock, self.limits.get(product)
                )
                for product, stock in self.stocks.items()
            },
            {
                (user, COUPON): HeldCoupon(
                    user, COUPON, user, discount, 0, NOW + DAY, user in self.used
                )
                for user, discount in self.discounts.items()
            },
            dict(self.bought),
        )

    def work(self, wishes: Sequence[Wish]) -> list[Ending]:
        """Do a batch: read, decide in order, write what moved."""
        counter = self.counter()
        endings: list[Ending] = []
        for wish in wishes:
            try:
                purchase = counter.decide(wish)
            except DomainError as refused:
                endings.append(refused.code)
            else:
                counter.apply(purchase)
                endings.append(purchase)
        self._keep(counter)
        return endings

    def _keep(self, counter: Counter) -> None:
        self.balances = {user: one.balance for user, one in counter.accounts.items()}
        self.carts = {
            user: (one.version, {line.product_id: line.quantity for line in one.lines})
            for user, one in counter.baskets.items()
        }
        self.stocks = {product: one.stock for product, one in counter.shelves.items()}
        self.used = {user for (user, _), one in counter.coupons.items() if one.used}
        self.bought = counter.bought


def a_shop(
    balance: int = 10_000,
    cart: Mapping[int, int] | None = None,
    stocks: Mapping[int, int] | None = None,
    discount: Discount | None = None,
    limits: Mapping[int, int] | None = None,
) -> MemoryShop:
    """User 1 with a cart of version 3; product 1 costs 1,000 won and product 2 250."""
    return MemoryShop(
        balances={1: balance},
        carts={1: (3, dict({1: 2, 2: 1} if cart is None else cart))},
        stocks=dict({1: 5, 2: 5} if stocks is None else stocks),
        prices={1: 1_000, 2: 250},
        limits=limits or {},
        discounts={1: discount} if discount else {},
    )


def a_wish(
    job: int = 1,
    user: int = 1,
    version: int = 3,
    coupon: int | None = None,
    total: int | None = None,
    at: datetime = NOW,
) -> Wish:
    return Wish(job, user, version, at, coupon, total)


FIXED = Discount(DiscountType.FIXED, 500)
TENTH = Discount(DiscountType.PERCENTAGE, 10)
