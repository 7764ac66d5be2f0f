"""Placing an order: everything that it moves, all at once, in the order accepted."""

from datetime import timedelta

import pytest
from redis import Redis

from domain.cart import service as cart
from domain.kernel.clock import rfc3339
from domain.orders import cancel, service
from domain.wallet import charge
from infra.database import execute, session
from tests.support.market import (
    balance,
    broken_rules,
    code,
    events,
    given_coupon,
    given_product,
    one,
    put_in_cart,
    result,
    select,
    stock,
)
from tests.support.ordering import issued, order, placed
from tests.support.shop import accepted, given_users, jobs, work

pytestmark = pytest.mark.usefixtures("database")


def test_a_cart_becomes_an_order(redis: Redis) -> None:
    # Given a user with 10,000 won, a coupon of 10 %, and two products in the cart
    [user] = given_users(10_000)
    parka, jeans = given_product(5, 3_000), given_product(9, 500)
    coupon = given_coupon(1, "percentage", 10)
    issued(redis, coupon, user)
    put_in_cart(user, {jeans: 3, parka: 2})
    # When it is ordered
    [job] = accepted(order(user, coupon, 7_500))
    work(redis)
    # Then the result is the order as GET shows it
    answer = result(jobs([job])[0])
    job_id = jobs([job])[0].id
    [(order_id, created_at)] = select("SELECT id, created_at FROM orders")
    assert answer == {
        "orderId": order_id,
        "items": [
            {"productId": jeans, "productName": "thing at 500", "price": 500, "quantity": 3,
             "subtotal": 1_500},
            {"productId": parka, "productName": "thing at 3000", "price": 3_000, "quantity": 2,
             "subtotal": 6_000},
        ],
        "totalAmount": 7_500, "discountAmount": 750, "finalAmount": 6_750, "couponId": coupon,
        "status": "COMPLETED", "createdAt": rfc3339(created_at),
    }
    assert service.represent(service.find(order_id)) == answer
    # And its event says the same, and whose it is
    assert events("order.completed") == [(order_id, {**answer, "userId": user})]
    # And money, stock, coupon and cart have moved, with a row for each move
    assert balance(user) == 3_250
    assert select(
        "SELECT kind, amount, previous_balance, current_balance, reference, job_id, created_at "
        "FROM balance_history WHERE kind <> 'opening'"
    ) == [("payment", -6_750, 10_000, 3_250, str(order_id), job_id, created_at)]
    assert select("SELECT * FROM payments") == [(order_id, user, 6_750, created_at, None)]
    assert select("SELECT id, stock, sales_count FROM products ORDER BY id") == [
        (parka, 3, 2), (jeans, 6, 3),
    ]
    assert select(
        "SELECT product_id, quantity, order_id, created_at FROM stock_movements "
        "WHERE kind = 'order' ORDER BY product_id"
    ) == [(parka, -2, order_id, created_at), (jeans, -3, order_id, created_at)]
    assert select("SELECT used_at, used_by_order_id FROM user_coupons") == [(created_at, order_id)]
    assert select("SELECT COUNT(*) FROM cart_items") == [(0,)]
    assert select("SELECT version FROM carts") == [(2,)]
    assert broken_rules() == []


def test_a_cart_changed_after_acceptance_is_not_bought(redis: Redis) -> None:
    # Given an accepted order
    [user] = given_users(10_000)
    product = given_product(9)
    put_in_cart(user, {product: 1})
    [job] = accepted(order(user))
    # When the cart is edited before it is worked
    cart.add(user, product, 1)
    work(redis)
    # Then it is refused, and the cart is as its user left it
    assert code(jobs([job])[0]) == "O005"
    assert select("SELECT quantity FROM cart_items") == [(2,)]


def test_a_cart_first_filled_after_acceptance_is_not_bought(redis: Redis) -> None:
    # Given an order of a cart that has never been used
    [user] = given_users(10_000)
    with session():
        execute("DELETE FROM carts")
    [job] = accepted(order(user))
    cart.add(user, given_product(9), 1)
    work(redis)
    assert code(jobs([job])[0]) == "O005"


def test_orders_of_one_user_in_one_batch_see_each_other(redis: Redis) -> None:
    # Given an order accepted three times, as an impatient client sends it
    [user] = given_users(10_000)
    put_in_cart(user, {given_product(9): 1})
    uuids = accepted(*[order(user) for _ in range(3)])
    # When they are worked in one batch, Then one is placed: the cart was another one afterwards
    work(redis)
    assert [code(job) for job in jobs(uuids)] == ["succeeded", "O005", "O005"]
    assert balance(user) == 9_000
    assert broken_rules() == []


def test_the_last_ones_go_to_whoever_was_accepted_first(redis: Redis) -> None:
    # Given three of a product, and five users who want it
    product = given_product(3)
    users = given_users(*[10_000] * 5)
    for user in users:
        put_in_cart(user, {product: 1})
    uuids = accepted(*[order(user) for user in reversed(users)])
    # When they are worked in one batch
    work(redis)
    # Then the first three get one
    assert [code(job) for job in jobs(uuids)] == ["succeeded"] * 3 + ["P002"] * 2
    assert stock(product) == 0
    assert broken_rules() == []


def test_a_charge_accepted_before_the_order_pays_for_it(redis: Redis) -> None:
    # Given 400 won, a charge of 600, an order of 1,000 and another charge, accepted in this order
    [user] = given_users(400)
    put_in_cart(user, {given_product(9, 1_000): 1})
    uuids = accepted(
        charge.command(user, user, 600, None, None), order(user),
        charge.command(user, user, 5, None, None),
    )
    # When they are worked, Then the money is there, and the history tells them in this order
    work(redis)
    assert [code(job) for job in jobs(uuids)] == ["succeeded"] * 3
    assert select("SELECT kind, current_balance FROM balance_history ORDER BY id") == [
        ("opening", 400), ("charge", 1_000), ("payment", 0), ("charge", 5),
    ]
    assert broken_rules() == []


def test_an_order_that_costs_nothing_is_paid_with_nothing(redis: Redis) -> None:
    # Given orders that a coupon makes free, by users without money
    coupon = given_coupon(5, "percentage", 100)
    users = given_users(0, 0)
    issued(redis, coupon, *users)
    for user in users:
        put_in_cart(user, {given_product(2): 1})
    uuids = accepted(*[order(user, coupon) for user in users])
    # When they are worked, Then each has its payment and its row of history, of nothing
    work(redis)
    assert [result(job)["finalAmount"] for job in jobs(uuids)] == [0, 0]
    assert select("SELECT amount FROM payments") == [(0,), (0,)]
    assert select("SELECT amount FROM balance_history WHERE kind = 'payment'") == [(0,), (0,)]
    assert broken_rules() == []


def test_what_was_cancelled_does_not_count_towards_the_limit(redis: Redis) -> None:
    # Given a product of which a user may have two, bought and cancelled
    [user] = given_users(10_000)
    product = given_product(9, 1_000, limit=2)
    accepted(cancel.command(user, user, placed(redis, user, {product: 2})))
    work(redis)
    # When it is ordered again, Then it may be had
    put_in_cart(user, {product: 2})
    [again] = accepted(order(user))
    work(redis)
    assert code(jobs([again])[0]) == "succeeded"
    assert broken_rules() == []


def test_a_coupon_that_expires_after_acceptance_is_taken(redis: Redis) -> None:
    [user] = given_users(10_000)
    coupon = given_coupon(5, expires=timedelta(days=1))
    issued(redis, coupon, user)
    put_in_cart(user, {given_product(2): 1})
    [job] = accepted(order(user, coupon))
    with session():
        execute(
            "UPDATE user_coupons SET expires_at = (SELECT accepted_at FROM jobs "
            "WHERE kind = 'order.place') + INTERVAL 1000 MICROSECOND"
        )
    work(redis)
    assert one("SELECT expires_at < NOW(3) FROM user_coupons") == 1
    assert code(jobs([job])[0]) == "succeeded"


