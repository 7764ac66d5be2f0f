"""What an order may buy, and what each refusal says."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from domain.kernel.errors import DomainError
from domain.orders.rules import Purchase
from tests.unit.orders.shop import COUPON, DAY, FIXED, NOW, TENTH, MemoryShop, a_shop, a_wish


def refused(shop: MemoryShop, **wish: Any) -> Mapping[str, Any]:
    """The problem of a wish that is refused, after which nothing is other than before."""
    counter = shop.counter()
    before = copy.deepcopy(shop), repr_of(counter)
    with pytest.raises(DomainError) as raised:
        counter.decide(a_wish(**wish))
    assert (shop, repr_of(counter)) == before
    return raised.value.problem()


def repr_of(counter: Any) -> list[Any]:
    """All that a counter holds, as comparable values."""
    return [
        {key: {name: getattr(one, name) for name in _names(one)} for key, one in found.items()}
        for found in (counter.accounts, counter.baskets, counter.shelves, counter.coupons)
    ] + [dict(counter.bought)]


def _names(one: Any) -> list[str]:
    return list(getattr(one, "__slots__", None) or vars(one))


def granted(shop: MemoryShop, **wish: Any) -> Purchase:
    [purchase] = shop.work([a_wish(**wish)])
    assert isinstance(purchase, Purchase), purchase
    return purchase


def test_a_cart_is_bought() -> None:
    # Given 10,000 won and a cart of 2 × 1,000 and 1 × 250
    shop = a_shop()
    # When it is ordered
    purchase = granted(shop)
    # Then it costs its sum, and everything has moved
    assert (purchase.total, purchase.discount, purchase.final) == (2_250, 0, 2_250)
    assert [(one.product_id, one.price, one.quantity, one.subtotal) for one in purchase.lines] == [
        (1, 1_000, 2, 2_000), (2, 250, 1, 250),
    ]
    assert shop.balances == {1: 7_750}
    assert shop.stocks == {1: 3, 2: 4}
    assert shop.carts == {1: (4, {})}


def test_a_coupon_takes_its_discount_off_and_is_used() -> None:
    shop = a_shop(discount=TENTH)
    purchase = granted(shop, coupon=COUPON, total=2_250)
    assert (purchase.discount, purchase.final) == (225, 2_025)
    assert (shop.balances, shop.used) == ({1: 7_975}, {1})


def test_a_coupon_worth_more_than_the_cart_makes_it_free() -> None:
    shop = a_shop(balance=0, cart={2: 1}, discount=FIXED)
    purchase = granted(shop, coupon=COUPON)
    assert (purchase.total, purchase.discount, purchase.final) == (250, 250, 0)
    assert shop.balances == {1: 0}


@pytest.mark.parametrize(
    ("shop", "wish", "code", "members"),
    [
        (a_shop(), {"user": 2}, "U001", {}),
        (a_shop(), {"version": 2}, "O005", {}),
        (a_shop(), {"version": 4}, "O005", {}),
        (a_shop(cart={}), {}, "O003", {}),
        (a_shop(stocks={1: 5}), {}, "P001", {"productId": 2}),
        (a_shop(limits={1: 1}), {}, "P003", {"maxPerUser": 1, "productId": 1}),
        (a_shop(), {"total": 2_249}, "O005", {"totalAmount": 2_250}),
        (a_shop(), {"coupon": COUPON}, "C002", {}),
        (a_shop(discount=FIXED), {"coupon": COUPON + 1}, "C002", {}),
        (a_shop(discount=FIXED), {"coupon": COUPON, "at": NOW + DAY}, "C003", {}),
        (a_shop(balance=2_249), {}, "PAY001", {"requiredAmount": 2_250, "currentBalance": 2_249}),
        (
            a_shop(balance=1_749, discount=FIXED), {"coupon": COUPON}, "PAY001",
            {"requiredAmount": 1_750, "currentBalance": 1_749},
        ),
    ],
)
def test_what_is_refused_says_why_and_leaves_no_trace(
    shop: MemoryShop, wish: Mapping[str, Any], code: str, members: Mapping[str, Any]
) -> None:
    problem = refused(shop, **wish)
    assert problem["code"] == code
    assert {name: problem[name] for name in members} == members


def test_everything_that_is_short_is_named_at_once() -> None:
    problem = refused(a_shop(cart={1: 6, 2: 9}, stocks={1: 5, 2: 0}))
    assert problem["code"] == "P002"
    assert problem["insufficientItems"] == [
        {"productId": 1, "requestedQuantity": 6, "availableStock": 5},
        {"productId": 2, "requestedQuantity": 9, "availableStock": 0},
    ]


def test_the_last_one_is_sold_and_the_last_won_is_spent() -> None:
    shop = a_shop(balance=2_250, stocks={1: 2, 2: 1})
    granted(shop, total=2_250)
    assert (shop.balances, shop.stocks) == ({1: 0}, {1: 0, 2: 0})


def test_what_was_bought_before_counts_towards_the_limit() -> None:
    shop = a_shop(limits={1: 5})
    shop.bought = {(1, 1): 3, (2, 1): 99}
    granted(shop)
    assert shop.bought[1, 1] == 5
    shop.carts = {1: (3, {1: 1})}
    assert refused(shop)["code"] == "P003"


def test_orders_of_one_user_see_each_other() -> None:
    # Given two orders of one cart, accepted at once, and a third of the cart that the first leaves
    shop = a_shop()
    first, second, third = shop.work([a_wish(1), a_wish(2), a_wish(3, version=4)])
    # Then the first buys it, the second finds another cart, the third an empty one
    assert isinstance(first, Purchase)
    assert (second, third) == ("O005", "O003")


def test_a_used_coupon_is_not_used_again_in_the_same_batch() -> None:
    # Given a coupon that an earlier order of the batch uses
    shop = a_shop(discount=FIXED)
    counter = shop.counter()
    counter.apply(counter.decide(a_wish(coupon=COUPON)))
    # When another order names it
    with pytest.raises(DomainError) as raised:
        counter.coupons[1, COUPON].discount_on(1_000, NOW)
    # Then it has been used
    assert raised.value.code == "C004"
