"""What seeding makes up, before it is written anywhere."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.seeding import Plan, bulk, catalog, orders
from commands.seeding.demo import BALANCE, CARTS, CATALOG, NAMES
from commands.seeding.made import Made, Range, range_of

NOW = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - as the database gives it


@given(
    st.integers(1, 200), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32)
)
def test_no_orders_cost_more_than_their_users_open_with(
    count: int, users: int, products: int, number: int
) -> None:
    # Given any plan with orders
    plan = Plan(users=users, products=products, orders=count, seed=number)
    random = Random(number)
    goods = dict(enumerate(bulk._products(plan, random), 1))
    made = list(orders.imagine(count, range(1, users + 1), list(goods), NOW, random))
    # When all of them are made
    spent = dict.fromkeys(range(1, users + 1), 0)
    sold = dict.fromkeys(goods, 0)
    for one in made:
        assert len({product_id for product_id, _ in one.lines}) == len(one.lines) > 0
        for product_id, quantity in one.lines:
            spent[one.user_id] += goods[product_id].price * quantity
            sold[product_id] += quantity
    # Then every user has the promised balance left, and every product the promised stock
    assert max(spent.values()) <= bulk._most_spent(plan, list(goods.values()))
    assert all(goods[one].stock - sold[one] >= bulk.STOCK for one in goods)
    # And times ascend over the last thirty days
    times = [one.created_at for one in made]
    assert times == sorted(times)
    assert NOW - timedelta(days=orders.DAYS) <= times[0]
    assert times[-1] < NOW


def test_products_are_within_the_contracts_bounds() -> None:
    made = catalog.imagine(500, 10, Random(1))
    assert len({one.name for one in made}) == 500
    assert all(1_000 <= one.price <= 50_000 and one.price % 100 == 0 for one in made)


def test_the_demos_first_orders_can_be_paid_and_delivered() -> None:
    for user_id in (1, 2):
        lines = [(product_id, quantity) for owner, product_id, quantity in CARTS
                 if owner == user_id]
        assert lines
        assert sum(CATALOG[one - 1][2] * quantity for one, quantity in lines) <= BALANCE
        assert all(CATALOG[one - 1][3] >= quantity for one, quantity in lines)
    assert len(NAMES) == 5
    assert len(CATALOG) == 12


@pytest.mark.parametrize(
    "plan", [Plan(orders=1), Plan(orders=1, users=1), Plan(orders=1, products=1), Plan(carts=True)]
)
def test_a_plan_that_lacks_something_is_refused(plan: Plan) -> None:
    with pytest.raises(ValueError, match="need"):
        bulk.seed(plan, lambda *_: lambda _: None)


def test_what_was_made_has_its_stable_shape() -> None:
    assert range_of([]) is None
    assert range_of([3, 4, 9]) == Range(3, 9, 3)
    assert Made(users=Range(1, 5, 5), coupons=[7]).as_json() == {
        "users": {"first": 1, "last": 5, "count": 5}, "products": None, "orders": None,
        "carts": 0, "couponIds": [7],
    }
