"""Orders under contention: several drains, the same hot products, carts in every order."""

import random
from collections.abc import Callable
from uuid import UUID

import pytest
from redis import Redis

from domain.cart import service as cart
from domain.catalog import service as catalog
from domain.coupons import issue
from domain.jobs.kinds import Lane
from domain.orders import cancel, place
from domain.wallet import charge
from infra.database import transaction
from tests.support.market import (
    broken_rules,
    code,
    given_coupon,
    given_product,
    one,
    put_in_cart,
    select,
)
from tests.support.rush import ER_LOCK_DEADLOCK, at_once, meanwhile, restarts
from tests.support.shop import accepted, given_users, jobs, make_drain, submit, work

pytestmark = pytest.mark.usefixtures("database")


def drain(redis: Redis, lane: Lane, batch: int) -> Callable[[], None]:
    """A worker, until it finds nothing to do."""

    def run() -> None:
        while make_drain(redis, batch=batch, batch_per_key=batch).run(lane):
            pass

    return run


@pytest.mark.parametrize("batch", [1, 8, 32])
def test_two_hundred_orders_of_hot_products_at_once(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    # Given ten hot products, some of which do not last, and 200 users with random carts of them
    chance = random.Random(batch)
    stocks = (5, 10, 20, 40, *[10_000] * 6)
    products = [given_product(stock, 1_000) for stock in stocks]
    with transaction():
        users = given_users(*[chance.choice([2_000, 20_000, 20_000]) for _ in range(200)])
    for user in users:
        wanted = chance.sample(products, chance.randint(1, 5))
        put_in_cart(user, {product: chance.randint(1, 3) for product in wanted})
    uuids = accepted(*[place.command(user, user) for user in users])
    # When four workers do them at once
    codes = restarts(monkeypatch)
    at_once(*[drain(redis, Lane.USERS, batch)] * 4)
    work(redis)
    # Then none was in another's way
    assert ER_LOCK_DEADLOCK not in codes
    # And each order was placed, or refused for a reason that there was
    endings = [code(job) for job in jobs(uuids)]
    assert set(endings) == {"succeeded", "P002", "PAY001"}
    assert one("SELECT COUNT(*) FROM orders") == endings.count("succeeded") > 50
    # And stock and money are what the orders left of them
    assert broken_rules() == []
    for product, before in zip(products, stocks, strict=True):
        [(left, sales)] = select("SELECT stock, sales_count FROM products WHERE id = %s", product)
        sold = int(one(
            "SELECT COALESCE(SUM(quantity), 0) FROM order_items WHERE product_id = %s", product
        ))
        assert (before - left, sales) == (sold, sold)
        assert left >= 0


def test_everything_at_once(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders, cancels, charges, coupons, cart edits and restocks, for the same few things."""
    products = [given_product(30, 100 * (number + 1)) for number in range(6)]
    coupon = given_coupon(25, "percentage", 10)
    users = given_users(*[3_000] * 40)
    uuids: list[UUID] = []

    def shop(own: list[int], chance: random.Random) -> Callable[[], None]:
        """What clients of some users do, one after another; impatient ones order twice."""

        def run() -> None:
            for _ in range(4):
                for user in own:
                    for product in chance.sample(products, 2):
                        cart.add(user, product, 1)
                    order = place.command(user, user, chance.choice([None, coupon]))
                    uuids.extend(
                        accepted(charge.command(user, user, 100, None, None), order, order)
                    )
                    submit(issue.command(user, user, coupon))
                for order_id, owner in select(
                    "SELECT id, user_id FROM orders WHERE status = 'COMPLETED' LIMIT 3"
                ):
                    uuids.extend(accepted(cancel.command(owner, owner, order_id)))

        return run

    def restock() -> None:
        for number in range(30):
            catalog.restock(products[number % 6], 2, admin_id=1)

    # When all of it happens while four workers work
    codes = restarts(monkeypatch)
    with meanwhile(*[drain(redis, Lane.USERS, 8)] * 3, drain(redis, Lane.COUPONS, 8)):
        at_once(*[shop(users[start::4], random.Random(start)) for start in range(4)], restock)
    work(redis)
    # Then nothing was in another's way, every job has ended, and every invariant holds
    assert ER_LOCK_DEADLOCK not in codes
    endings = {code(job) for job in jobs(uuids)}
    assert {"succeeded", "O005"} <= endings
    assert endings <= {
        "succeeded", "O003", "O004", "O005", "P002", "PAY001", "C002", "C004",
    }
    assert one("SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED'") > 0
    assert broken_rules() == []


def test_an_order_and_its_cancel_by_workers_that_alternate(redis: Redis) -> None:
    # Given one user's orders and cancels in one line, and four workers with batches of one
    [user] = given_users(10_000)
    product = given_product(3, 1_000)
    uuids = []
    for _ in range(8):
        put_in_cart(user, {product: 3})
        uuids += accepted(place.command(user, user))
        at_once(*[drain(redis, Lane.USERS, 1)] * 4)
        order = one("SELECT MAX(id) FROM orders")
        uuids += accepted(*[cancel.command(user, user, order) for _ in range(4)])
        at_once(*[drain(redis, Lane.USERS, 1)] * 4)
    # Then each order was placed once and cancelled once
    assert [code(job) for job in jobs(uuids)] == (["succeeded"] * 2 + ["O004"] * 3) * 8
    assert select("SELECT balance FROM users") == [(10_000,)]
    assert select("SELECT stock, sales_count FROM products") == [(3, 0)]
    assert broken_rules() == []
