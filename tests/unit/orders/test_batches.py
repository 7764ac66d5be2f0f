"""Whatever a batch of orders holds, and however it is cut: nothing is oversold, lost or doubled."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.coupons.rules import Discount, DiscountType
from domain.orders.rules import Purchase, Wish
from tests.unit.orders.shop import COUPON, NOW, Ending, MemoryShop

USERS, PRODUCTS = range(1, 9), range(1, 5)

discounts = st.one_of(
    st.builds(Discount, st.just(DiscountType.PERCENTAGE), st.integers(1, 100)),
    st.builds(Discount, st.just(DiscountType.FIXED), st.integers(1, 5_000)),
)
money = st.sampled_from([50_000, 8_000, 500, 0])
stock = st.sampled_from([20, 6, 3, 1, 0])
carts = st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 3), min_size=1)
shops = st.builds(
    MemoryShop,
    balances=st.fixed_dictionaries(dict.fromkeys(USERS, money)),
    carts=st.fixed_dictionaries({user: st.tuples(st.just(0), carts) for user in USERS}),
    stocks=st.fixed_dictionaries(dict.fromkeys(PRODUCTS, stock)),
    prices=st.fixed_dictionaries({product: st.integers(0, 3_000) for product in PRODUCTS}),
    limits=st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 4), max_size=2),
    discounts=st.dictionaries(st.sampled_from(USERS), discounts, min_size=3),
)
# Most orders want what can be had: the cart as it is, any total, the coupon that is there.
asked = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([None, COUPON]),
    st.sampled_from([None, None, None, 1_000]),
)
batches = st.lists(asked, min_size=4, max_size=20).map(
    lambda found: [
        Wish(job, user, version, NOW, coupon, total)
        for job, (user, version, coupon, total) in enumerate(found, 1)
    ]
)


def placed(endings: list[Ending]) -> list[Purchase]:
    return [one for one in endings if isinstance(one, Purchase)]


def shown(endings: list[Ending]) -> list[object]:
    """Endings without the coupon's own state, which a later order may change."""
    return [
        (one.wish, one.lines, one.total, one.discount) if isinstance(one, Purchase) else one
        for one in endings
    ]


@settings(deadline=None)
@given(shops, batches)
def test_what_left_the_shop_is_what_was_bought(shop: MemoryShop, wishes: list[Wish]) -> None:
    # Given any shop, When any batch of orders is done
    before = copy.deepcopy(shop)
    orders = placed(shop.work(wishes))
    # Then each order adds up
    for order in orders:
        assert order.total == sum(line.price * line.quantity for line in order.lines)
        assert 0 <= order.discount <= order.total
        assert order.final == order.total - order.discount
        assert order.coupon is not None or order.discount == 0
    # And stock, money, carts and coupons moved by exactly that, and never below nothing
    for product in PRODUCTS:
        sold = sum(
            line.quantity for one in orders for line in one.lines if line.product_id == product
        )
        assert shop.stocks[product] == before.stocks[product] - sold >= 0
    for user in USERS:
        own = [one for one in orders if one.wish.user_id == user]
        assert shop.balances[user] == before.balances[user] - sum(one.final for one in own) >= 0
        assert shop.carts[user][0] == before.carts[user][0] + len(own)
        uses = [one for one in own if one.coupon]
        assert len(uses) == (user in shop.used) <= 1
    # And nobody has more of a product than they may
    for (_, product), count in shop.bought.items():
        assert count <= shop.limits.get(product, count)


@settings(deadline=None)
@given(shops, batches, st.data())
def test_a_batch_ends_as_its_orders_would_one_by_one(
    shop: MemoryShop, wishes: list[Wish], data: st.DataObject
) -> None:
    # Given the same shop three times
    one_by_one, cut = copy.deepcopy(shop), copy.deepcopy(shop)
    # When its orders are done at once, one by one, and in two batches
    at_once = shop.work(wishes)
    alone = [ending for wish in wishes for ending in one_by_one.work([wish])]
    middle = data.draw(st.integers(0, len(wishes)))
    halves = cut.work(wishes[:middle]) + cut.work(wishes[middle:])
    # Then all three end the same, order by order, and leave the same shop
    assert shown(at_once) == shown(alone) == shown(halves)
    assert shop == one_by_one == cut
