"""Placing an order: everything that it moves, all at once or not at all."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from domain.cart import checkout_store
from domain.cart import service as cart
from domain.catalog import stock_store
from domain.catalog.shelf import Shelf
from domain.coupons import issue, redemption_store
from domain.jobs.kinds import Command, Lane
from domain.kernel.clock import rfc3339
from domain.orders import cancel, place, service
from domain.wallet import charge
from domain.wallet import store as wallet_store
from infra.database import execute, session
from tests.support.market import (
    balance,
    broken_rules,
    code,
    empty_shop,
    events,
    given_coupon,
    given_product,
    one,
    problem,
    put_in_cart,
    result,
    select,
    stock,
)
from tests.support.shop import accepted, given_users, jobs, make_drain, work

pytestmark = pytest.mark.usefixtures("database")

EFFECTS = (
    "orders", "order_items", "payments", "stock_movements", "balance_history", "cart_items",
    "carts", "users", "products", "user_coupons", "outbox_events",
)


def order(user: int, coupon: int | None = None, total: int | None = None) -> Command:
    return place.command(user, user, coupon, total)


def issued(redis: Redis, coupon: int, *users: int) -> None:
    accepted(*[issue.command(user, user, coupon) for user in users])
    work(redis)


def effects() -> dict[str, list[tuple[Any, ...]]]:
    """All rows that an order can touch."""
    return {table: select(f"SELECT * FROM {table} ORDER BY 1") for table in EFFECTS}


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
    put_in_cart(user, {product: 1})
    accepted(order(user, coupon))
    work(redis)
    put_in_cart(user, {product: 1})
    return user, {"coupon": coupon}


def gone(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    put_in_cart(user, {given_product(9): 1, 999: 1})
    return user, {}


def over_the_limit(redis: Redis) -> tuple[int, Mapping[str, Any]]:
    [user] = given_users(10_000)
    product = given_product(9, 1_000, limit=3)
    put_in_cart(user, {product: 2})
    accepted(order(user))
    work(redis)
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
    user, _ = never_used(redis)
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
    put_in_cart(user, {product: 2})
    [job] = accepted(order(user))
    work(redis)
    accepted(cancel.command(user, user, result(jobs([job])[0])["orderId"]))
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


def a_crowd(redis: Redis) -> list[Command]:
    """Orders of twelve users, some twice, of four products that do not last, with coupons."""
    users = given_users(*[4_000 + 700 * number for number in range(12)])
    products = [given_product(5 + number, 300 * (number + 1), limit=2 if number == 2 else None)
                for number in range(4)]
    coupon = given_coupon(8, "percentage", 33, minimum=500)
    issued(redis, coupon, *users[::2])
    for number, user in enumerate(users):
        put_in_cart(
            user, {products[(number + step) % 4]: 1 + (number + step) % 3 for step in range(3)}
        )
    return [
        order(user, coupon if number % 3 else None)
        for number, user in enumerate(users + users[:4])
    ]


def outcome(redis: Redis, batch: int) -> tuple[list[str], dict[str, list[tuple[Any, ...]]]]:
    empty_shop()
    redis.flushall()
    uuids = accepted(*a_crowd(redis))
    while make_drain(redis, batch=batch, batch_per_key=batch).run(Lane.USERS):
        pass
    assert broken_rules() == []
    # What says when, and the events' ids, differ from run to run
    left_out = {
        "orders": "id, user_id, job_id, coupon_id, total_amount, discount_amount, final_amount",
        "order_items": "order_id, product_id, price, quantity",
        "payments": "order_id, user_id, amount",
        "stock_movements": "product_id, kind, quantity, order_id",
        "balance_history": "user_id, kind, amount, previous_balance, current_balance, reference",
        "cart_items": "cart_id, product_id, quantity", "carts": "user_id, version",
        "users": "id, balance", "products": "id, stock, sales_count",
        "user_coupons": "id, used_by_order_id", "outbox_events": "aggregateid, type",
    }
    rows_ = {
        table: sorted(select(f"SELECT {columns} FROM {table}"), key=repr)
        for table, columns in left_out.items()
    }
    return [code(job) for job in jobs(uuids)], rows_


def test_a_batch_writes_what_its_orders_would_one_by_one(redis: Redis) -> None:
    # Given the same crowd, worked one by one, in batches of five and all at once
    alone, fives, at_once = (outcome(redis, batch) for batch in (1, 5, 128))
    # Then the same orders are placed and refused, and the tables hold the same
    assert alone[0] == fives[0] == at_once[0]
    assert {"succeeded", "P002", "O005"} <= set(alone[0])
    assert alone[1] == fives[1] == at_once[1]


def test_a_batch_costs_a_few_statements_however_large_it_is(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.database import database

    products = [given_product(10**6, price) for price in (100, 200, 300)]
    counts: list[int] = []
    run = database.execute_sql

    def counting(sql: str, params: Any = None) -> Any:
        counts[-1] += 1
        return run(sql, params)

    for size in (1, 60):
        users = given_users(*[10_000] * size)
        for user in users:
            put_in_cart(user, dict.fromkeys(products, 1))
        accepted(*[order(user) for user in users])
        counts.append(0)
        with monkeypatch.context() as patched:
            patched.setattr(database, "execute_sql", counting)
            make_drain(redis).run(Lane.USERS)
    assert one("SELECT COUNT(*) FROM orders") == 61
    assert counts[0] == counts[1] <= 24  # 15 of the handler, the others the drain's


# Guards under the row locks: each is seen to stop what it is there to stop.


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
