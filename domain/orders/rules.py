"""What an order may buy, and what that moves. Pure: values in, decision out.

A batch of orders is decided one by one against one :class:`Counter`. Deciding changes nothing, so
a refused order leaves no trace; what is accepted is applied before the next one is decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.cart.checkout import Basket, BasketLine
from domain.catalog.stock import NotEnoughStock, ProductNotFound, Shelf, TooManyForUser
from domain.coupons.redemption import CouponNotFound, HeldCoupon
from domain.orders.errors import CartEmpty, Changed
from domain.orders.order import OrderLine
from domain.wallet.service import Account, UserNotFound


@dataclass(frozen=True, slots=True)
class Wish:
    """What one job asks for: the user's cart in the version that it had at acceptance."""

    job_id: int
    user_id: int
    cart_version: int
    accepted_at: datetime
    coupon_id: int | None = None
    expected_total: int | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A wish that can be granted; ``final`` is to be paid, ``total`` less ``discount``."""

    wish: Wish
    lines: Sequence[OrderLine]
    total: int
    discount: int
    coupon: HeldCoupon | None

    @property
    def final(self) -> int:
        return self.total - self.discount


@dataclass(frozen=True, slots=True)
class Counter:
    """All that a batch of orders depends on, locked, as it stands after those decided so far.

    ``bought`` counts what a user has in completed orders of a product, by (user, product); asked
    of products with a limit only.
    """

    accounts: Mapping[int, Account]
    baskets: Mapping[int, Basket]
    shelves: Mapping[int, Shelf]
    coupons: Mapping[tuple[int, int], HeldCoupon]
    bought: dict[tuple[int, int], int] = field(default_factory=dict)

    def decide(self, wish: Wish) -> Purchase:
        """What granting ``wish`` comes to; nothing moves.

        Raises the refusal: U001, O005, O003, P001, P003, P002, C002, C003, C004, C007, PAY001.
        """
        account = self.accounts.get(wish.user_id)
        if account is None:
            raise UserNotFound
        basket = self._basket(wish)
        self._check_limits(wish.user_id, basket.lines)
        self._check_stock(basket.lines)
        lines = [self._line(line) for line in basket.lines]
        total = sum(line.subtotal for line in lines)
        if wish.expected_total not in (None, total):
            raise Changed(f"The total is {total} won by now.", totalAmount=total)
        coupon = self._coupon(wish)
        discount = coupon.discount_on(total, wish.accepted_at) if coupon else 0
        account.afford(total - discount)
        return Purchase(wish, lines, total, discount, coupon)

    def apply(self, purchase: Purchase) -> None:
        """Let a decided purchase happen, before the next one is decided."""
        wish = purchase.wish
        self.accounts[wish.user_id].pay(purchase.final, wish.job_id)
        self.baskets[wish.user_id].buy()
        for line in purchase.lines:
            self.shelves[line.product_id].take(line.quantity)
            key = wish.user_id, line.product_id
            self.bought[key] = self.bought.get(key, 0) + line.quantity
        if purchase.coupon:
            purchase.coupon.used = True

    def _basket(self, wish: Wish) -> Basket:
        """The cart as it stood at acceptance, with a line at least, of products that exist."""
        basket = self.baskets[wish.user_id]
        if basket.version != wish.cart_version:
            raise Changed("The cart was changed since the order was accepted.")
        if not basket.lines:
            raise CartEmpty
        for line in basket.lines:
            if line.product_id not in self.shelves:
                raise ProductNotFound(
                    f"There is no product {line.product_id}.", productId=line.product_id
                )
        return basket

    def _check_limits(self, user_id: int, lines: Sequence[BasketLine]) -> None:
        for line in lines:
            limit = self.shelves[line.product_id].max_per_user
            before = self.bought.get((user_id, line.product_id), 0)
            if limit is not None and before + line.quantity > limit:
                raise TooManyForUser(line.product_id, limit)

    def _check_stock(self, lines: Sequence[BasketLine]) -> None:
        short = [line for line in lines if line.quantity > self.shelves[line.product_id].stock]
        if short:
            raise NotEnoughStock(
                [
                    {
                        "productId": line.product_id,
                        "requestedQuantity": line.quantity,
                        "availableStock": self.shelves[line.product_id].stock,
                    }
                    for line in short
                ]
            )

    def _line(self, line: BasketLine) -> OrderLine:
        shelf = self.shelves[line.product_id]
        return OrderLine(shelf.product_id, shelf.name, shelf.price, line.quantity)

    def _coupon(self, wish: Wish) -> HeldCoupon | None:
        if wish.coupon_id is None:
            return None
        held = self.coupons.get((wish.user_id, wish.coupon_id))
        if held is None:
            raise CouponNotFound("The user has no such coupon.")
        return held
