"""Cancelling an order: everything is given back, once."""

from typing import Any

import pytest
from redis import Redis

from domain.coupons.service import held_by
from domain.jobs.kinds import Command, Lane
from domain.orders import cancel, cancel_store, service
from domain.orders.cancel_store import OrderMoved
from infra.database import execute, now, session
from tests.support.market import (
    balance,
    broken_rules,
    code,
    events,
    given_product,
    result,
    select,
    stock,
)
from tests.support.ordering import holding, placed
from tests.support.shop import accepted, given_users, jobs, make_drain, work

pytestmark = pytest.mark.usefixtures("database")


def cancelling(owner: int, order: int, caller: int | None = None) -> Command:
    return cancel.command(owner, caller or owner, order)


def test_everything_is_given_back(redis: Redis) -> None:
    # Given an order of two products with a coupon
    [user] = given_users(10_000)
    parka, jeans = given_product(5, 3_000), given_product(2, 500)
    coupon = holding(redis, user, "fixed", 1_000)
    order = placed(redis, user, {parka: 1, jeans: 2}, coupon)
    assert (balance(user), stock(parka), stock(jeans)) == (7_000, 4, 0)
    before = service.represent(service.find(order))
    # When it is cancelled
    [job] = accepted(cancelling(user, order))
    work(redis)
    # Then the result is the order, cancelled and otherwise the same, and so says its event
    answer = result(jobs([job])[0])
    assert answer == {**before, "status": "CANCELLED"}
    assert service.represent(service.find(order)) == answer
    assert events("order.cancelled") == [(order, {**answer, "userId": user})]
    # And money, stock and coupon are back, with a row for each move
    job_id = jobs([job])[0].id
    [(at, cancel_job)] = select("SELECT cancelled_at, cancel_job_id FROM orders")
    assert cancel_job == job_id
    assert (balance(user), stock(parka), stock(jeans)) == (10_000, 5, 2)
    assert select("SELECT sales_count FROM products") == [(0,), (0,)]
    assert select(
        "SELECT amount, previous_balance, current_balance, reference, job_id, created_at "
        "FROM balance_history WHERE kind = 'refund'"
    ) == [(3_000, 7_000, 10_000, str(order), job_id, at)]
    assert select(
        "SELECT product_id, quantity, order_id, created_at FROM stock_movements "
        "WHERE kind = 'cancel' ORDER BY product_id"
    ) == [(parka, 1, order, at), (jeans, 2, order, at)]
    assert select("SELECT refunded_at FROM payments") == [(at,)]
    assert select("SELECT used_at, used_by_order_id FROM user_coupons") == [(None, None)]
    assert broken_rules() == []


def test_an_order_is_cancelled_once(redis: Redis) -> None:
    # Given an order, whose cancelling is asked for twice at once and once more afterwards
    [user] = given_users(10_000)
    product = given_product(5)
    order = placed(redis, user, {product: 1})
    uuids = accepted(cancelling(user, order), cancelling(user, order))
    work(redis)
    uuids += accepted(cancelling(user, order))
    work(redis)
    # Then one of them did it
    assert [code(job) for job in jobs(uuids)] == ["succeeded", "O004", "O004"]
    assert (balance(user), stock(product)) == (10_000, 5)
    assert len(events("order.cancelled")) == 1
    assert broken_rules() == []


def test_orders_of_many_users_in_one_batch(redis: Redis) -> None:
    # Given ten users with an order each of the same products
    users = given_users(*[10_000] * 10)
    products = [given_product(100, 100), given_product(100, 200)]
    orders = [placed(redis, user, dict.fromkeys(products, 2)) for user in users]
    # When all are cancelled, one of them twice and one that there is not
    uuids = accepted(
        *[cancelling(user, order) for user, order in zip(users, orders, strict=True)],
        cancelling(users[0], orders[0]), cancelling(users[1], 999_999),
    )
    work(redis)
    # Then each gets their own back
    assert [code(job) for job in jobs(uuids)] == ["succeeded"] * 10 + ["O004", "O002"]
    assert [balance(user) for user in users] == [10_000] * 10
    assert [stock(product) for product in products] == [100, 100]
    assert broken_rules() == []


def test_a_coupon_that_has_expired_meanwhile_is_given_back_expired(redis: Redis) -> None:
    [user] = given_users(10_000)
    coupon = holding(redis, user)
    order = placed(redis, user, {given_product(5): 1}, coupon)
    assert held_by(user, None, None, 10)[0]["status"] == "used"
    with session():
        execute("UPDATE user_coupons SET expires_at = NOW(3)")
    accepted(cancelling(user, order))
    work(redis)
    [shown] = held_by(user, None, None, 10)
    assert shown["status"] == "expired"
    assert "usedAt" not in shown


def test_a_coupon_given_back_is_used_by_the_next_order(redis: Redis) -> None:
    [user] = given_users(10_000)
    coupon, product = holding(redis, user), given_product(5)
    first = placed(redis, user, {product: 1}, coupon)
    accepted(cancelling(user, first))
    work(redis)
    second = placed(redis, user, {product: 1}, coupon)
    assert select("SELECT used_by_order_id FROM user_coupons") == [(second,)]
    assert broken_rules() == []


def test_an_admins_cancelling_is_a_job_of_the_owner(redis: Redis) -> None:
    # Given a user's order, and an admin who cancels it
    [user, admin] = given_users(10_000, 0)
    order = placed(redis, user, {given_product(5): 1})
    [job] = accepted(cancelling(user, order, caller=admin))
    # Then the job stands in the owner's line, and the owner gets the money
    assert select("SELECT concurrency_key, user_id, caller_id FROM jobs WHERE id = %s",
                  jobs([job])[0].id) == [(f"user:{user}", user, admin)]
    work(redis)
    assert (balance(user), balance(admin)) == (10_000, 0)


def test_a_job_in_another_users_line_cannot_cancel(redis: Redis) -> None:
    [user, stranger] = given_users(10_000, 0)
    order = placed(redis, user, {given_product(5): 1})
    [job] = accepted(cancelling(stranger, order))
    work(redis)
    assert code(jobs([job])[0]) == "O002"
    assert balance(user) == 9_000


def test_what_cost_nothing_is_refunded_with_nothing(redis: Redis) -> None:
    [user] = given_users(0)
    coupon = holding(redis, user, "percentage", 100)
    order = placed(redis, user, {given_product(5): 1}, coupon)
    accepted(cancelling(user, order))
    work(redis)
    assert select("SELECT kind, amount FROM balance_history ORDER BY id") == [
        ("opening", 0), ("payment", 0), ("refund", 0),
    ]
    assert broken_rules() == []


@pytest.mark.parametrize(
    ("corruption", "statement"),
    [
        ("the order", "UPDATE orders SET status = 'CANCELLED'"),
        ("the payment", "UPDATE payments SET refunded_at = NOW(3)"),
        ("the coupon", "UPDATE user_coupons SET used_by_order_id = 77"),
    ],
)
def test_what_is_not_as_it_was_read_rolls_all_of_it_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, corruption: str, statement: str
) -> None:
    # Given a cancelling, and a row that moves behind the lock's back
    [user] = given_users(10_000)
    coupon = holding(redis, user)
    order = placed(redis, user, {given_product(5): 1}, coupon)
    [job] = accepted(cancelling(user, order))
    give_back = cancel._give_back

    def behind_the_back(*arguments: Any) -> None:
        execute(statement)
        give_back(*arguments)

    monkeypatch.setattr(cancel, "_give_back", behind_the_back)
    # When it is worked
    make_drain(redis).run(Lane.USERS)
    # Then nothing of it is kept, and it waits for another attempt
    assert balance(user) == 9_100
    assert select("SELECT status FROM orders") == [("COMPLETED",)]
    assert select("SELECT refunded_at FROM payments") == [(None,)]
    assert select("SELECT used_by_order_id FROM user_coupons") == [(order,)]
    assert select("SELECT COUNT(*) FROM stock_movements WHERE kind = 'cancel'") == [(0,)]
    assert jobs([job])[0].status == "queued"


def test_only_completed_orders_are_marked(redis: Redis) -> None:
    [user] = given_users(10_000)
    order = placed(redis, user, {given_product(5): 1})
    with session():
        at = now()
        cancel_store.cancel([(order, 1)], at)
        with pytest.raises(OrderMoved):
            cancel_store.cancel([(order, 2)], at)
        cancel_store.refund([order], at)
        with pytest.raises(OrderMoved):
            cancel_store.refund([order], at)
