"""The row locks of orders and issuing: whoever comes second waits for the first one's end."""

import threading
from collections.abc import Callable

import pytest
from redis import Redis

from domain.cart import checkout
from domain.catalog import stock
from domain.coupons import issue, issue_store, redemption
from domain.orders import place, read_store
from domain.wallet import service as wallet
from infra.database import transaction
from tests.support.market import given_coupon, given_product, one, put_in_cart
from tests.support.shop import accepted, given_users, work

pytestmark = pytest.mark.usefixtures("database")

Lock = Callable[[], object]


@pytest.fixture
def locks(redis: Redis) -> dict[str, Lock]:
    """How each row of a shop with one of each is locked."""
    [user] = given_users(10_000)
    coupon, product = given_coupon(5), given_product(5)
    accepted(issue.command(user, user, coupon))
    put_in_cart(user, {product: 1})
    accepted(place.command(user, user))
    work(redis)
    order = one("SELECT id FROM orders")
    return {
        "users": lambda: wallet.lock([user]),
        "carts": lambda: checkout.lock([user]),
        "orders": lambda: read_store.lock([order]),
        "user_coupons": lambda: redemption.lock({(user, coupon)}),
        "coupons": lambda: issue_store.lock_supplies([coupon]),
        "products": lambda: stock.lock([product]),
    }


@pytest.mark.parametrize(
    "table", ["users", "carts", "orders", "user_coupons", "coupons", "products"]
)
def test_the_second_waits_for_the_first(locks: dict[str, Lock], table: str) -> None:
    had = threading.Event()

    def second() -> None:
        with transaction():
            assert locks[table]()
            had.set()

    # Given a transaction that has locked the row
    with transaction():
        assert locks[table]()
        # When another one locks it
        thread = threading.Thread(target=second)
        thread.start()
        # Then it waits
        assert not had.wait(1.0)
    # And has it as soon as the first one has ended
    assert had.wait(20)
    thread.join(5)


def test_nothing_is_locked_that_is_not_asked_for(locks: dict[str, Lock]) -> None:
    # Given a shop with more users, products and coupons, of which one transaction holds all that
    # an order of the first user needs
    [other] = given_users(10_000)
    product, coupon = given_product(5), given_coupon(5)
    with transaction():
        for lock in locks.values():
            assert lock()
        # When another one locks what an order of somebody else needs
        had = threading.Event()

        def second() -> None:
            with transaction():
                assert wallet.lock([other])
                assert checkout.lock([other])
                assert issue_store.lock_supplies([coupon])
                assert stock.lock([product])
                had.set()

        thread = threading.Thread(target=second)
        thread.start()
        # Then it need not wait
        assert had.wait(20)
    thread.join(5)
