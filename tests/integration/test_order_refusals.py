"""Orders that cannot be: they end with their problem, change nothing and spoil no other."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from redis import Redis

from domain.coupons import redemption_store
from infra.database import execute, session
from tests.support.market import (
    code,
    given_coupon,
    given_product,
    problem,
    put_in_cart,
)
from tests.support.ordering import effects, issued, order, placed
from tests.support.shop import accepted, given_users, jobs, work

pytestmark = pytest.mark.usefixtures("database")


Given = Callable[[Redis], tuple[int, Mapping[str, Any]]]
"""Makes a shop; the user who orders, and what their order says."""


def short_of_two(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10**9)
    put_in_cart(user, {given_product(1): 2, given_product(5): 5, given_product(0): 1})
    return user, {}


def poor(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(999)
    put_in_cart(user, {given_product(1, 1_000): 1})
    return user, {}


def empty(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    return given_users(999)[0], {}


def never_used(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(999)
    with session():
        execute("DELETE FROM carts")
    return user, {}


def another_total(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    put_in_cart(user, {given_product(1, 1_000): 1})
    return user, {"total": 900}


def nobody(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    return 999_999, {}


def no_coupon(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user, other] = given_users(10_000, 0)
    coupon = given_coupon(5)
    issued(redis, coupon, other)
    put_in_cart(user, {given_product(1, 1_000): 1})
    return user, {"coupon": coupon}


def below_minimum(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    coupon = given_coupon(5, minimum=1_001)
    issued(redis, coupon, user)
    put_in_cart(user, {given_product(1, 1_000): 1})
    return user, {"coupon": coupon}


def expired_coupon(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    user, said = below_minimum(redis)
    with session():
        execute("UPDATE user_coupons SET expires_at = NOW(3)")
    return user, said


def used_coupon(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    coupon = given_coupon(5)
    issued(redis, coupon, user)
    product = given_product(9, 1_000)
    placed(redis, user, {product: 1}, coupon)
    put_in_cart(user, {product: 1})
    return user, {"coupon": coupon}


def gone(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    put_in_cart(user, {given_product(9): 1, 999: 1})
    return user, {}


def over_the_limit(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    product = given_product(9, 1_000, limit=3)
    placed(redis, user, {product: 2})
    put_in_cart(user, {product: 2})
    return user, {}


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (short_of_two, "P002"), (poor, "PAY001"), (empty, "O003"), (never_used, "O003"),
        (another_total, "O005"), (nobody, "U001"), (no_coupon, "C002"), (below_minimum, "C007"),
        (expired_coupon, "C003"), (used_coupon, "C004"), (gone, "P001"), (over_the_limit, "P003"),
    ],
)
def test_a_refused_order_changes_nothing_and_spoils_no_other(
    redis: Redis, given: Given, refusal: str
) -> None:
    # Given an order that cannot be, and the shop as it is
    user, said = given(redis)
    before = effects()
    [job] = accepted(order(user, **said))
    # When it is worked, Then it ends with its problem and no row is other than before
    work(redis)
    assert code(jobs([job])[0]) == refusal
    assert effects() == before
    # And beside it, in one batch, another user's order is placed
    [other] = given_users(5_000)
    put_in_cart(other, {given_product(1, 4_000): 1})
    refused, placed = accepted(order(user, **said), order(other))
    work(redis)
    assert [code(one_) for one_ in jobs([refused, placed])] == [refusal, "succeeded"]


def test_everything_that_is_short_is_named(redis: Redis) -> None:
    user, _ = short_of_two(redis)
    [job] = accepted(order(user))
    work(redis)
    assert problem(jobs([job])[0])["insufficientItems"] == [
        {"productId": 1, "requestedQuantity": 2, "availableStock": 1},
        {"productId": 3, "requestedQuantity": 1, "availableStock": 0},
    ]


def test_a_balance_too_low_says_what_is_needed(redis: Redis) -> None:
    user, _ = poor(redis)
    [job] = accepted(order(user))
    work(redis)
    found = problem(jobs([job])[0])
    assert (found["requiredAmount"], found["currentBalance"]) == (1_000, 999)


def test_a_coupon_used_before_its_lock_was_had_is_refused(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a coupon that is used after it was looked for and before it is locked
    user, said = below_minimum(redis)
    find = redemption_store.find

    def used_meanwhile(pairs: Any) -> Any:
        found = find(pairs)
        execute("UPDATE user_coupons SET used_at = NOW(3), used_by_order_id = 77")
        return found

    monkeypatch.setattr(redemption_store, "find", used_meanwhile)
    # When an order names it, Then what the lock shows counts
    [job] = accepted(order(user, **said))
    work(redis)
    assert code(jobs([job])[0]) == "C004"


