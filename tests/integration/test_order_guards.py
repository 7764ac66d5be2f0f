"""The guards under the row locks: each is seen to stop what it is there to stop."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from domain.cart import checkout_store
from domain.catalog import stock_store
from domain.catalog.shelf import Shelf
from domain.coupons import redemption_store
from domain.jobs.kinds import Lane
from domain.wallet import store as wallet_store
from infra.database import execute, session
from tests.support.market import (
    code,
    given_coupon,
    given_product,
    put_in_cart,
)
from tests.support.ordering import effects, issued, order
from tests.support.shop import accepted, given_users, jobs, make_drain, work

pytestmark = pytest.mark.usefixtures("database")


def stale_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = stock_store.lock

    def stale(ids: Any) -> list[Shelf]:
        return [Shelf(one_.product_id, one_.name, one_.price, 999) for one_ in lock(ids)]

    monkeypatch.setattr(stock_store, "lock", stale)


def stale_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = wallet_store.lock_accounts

    def stale(ids: Any) -> Any:
        accounts = lock(ids)
        for account in accounts.values():
            account.balance += 1
            account.opening += 1
        return accounts

    monkeypatch.setattr(wallet_store, "lock_accounts", stale)


def stale_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = checkout_store.lines

    def stale(ids: Any) -> Any:
        found = lines(ids)
        with session():
            execute("DELETE FROM cart_items LIMIT 1")
        return found

    monkeypatch.setattr(checkout_store, "lines", stale)


def stale_version(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = checkout_store.lock

    def stale(ids: Any) -> dict[int, int]:
        found = lock(ids)
        with session():
            execute("UPDATE carts SET version = version + 7")
        return found

    monkeypatch.setattr(checkout_store, "lock", stale)


def stale_coupon(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = redemption_store.lock

    def stale(ids: Any) -> Any:
        found = lock(ids)
        with session():
            execute("UPDATE user_coupons SET used_at = NOW(3)")
        return found

    monkeypatch.setattr(redemption_store, "lock", stale)


@pytest.mark.parametrize(
    "break_", [stale_stock, stale_balance, stale_lines, stale_version, stale_coupon]
)
def test_what_is_not_as_it_was_read_rolls_all_of_it_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, break_: Callable[[pytest.MonkeyPatch], None]
) -> None:
    # Given an order, and a row that is not what its lock said
    [user] = given_users(10_000)
    coupon = given_coupon(1)
    issued(redis, coupon, user)
    put_in_cart(user, {given_product(5): 1, given_product(6): 2})
    [job] = accepted(order(user, coupon))
    before = effects()
    with monkeypatch.context() as patched:
        break_(patched)
        # When it is worked
        make_drain(redis).run(Lane.USERS)
    # Then nothing of it is kept, and it waits for another attempt
    assert effects() == before
    assert jobs([job])[0].status == "queued"
    # And when the rows are what they say, it is placed
    with session():
        execute("UPDATE jobs SET due_at = NOW(3) WHERE due_at IS NOT NULL")
    work(redis)
    assert code(jobs([job])[0]) == "succeeded"
