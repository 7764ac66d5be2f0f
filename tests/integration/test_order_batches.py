"""Orders in batches: the same as one by one, at the cost of a few statements."""

from typing import Any

import pytest
from redis import Redis

from domain.jobs.kinds import Command, Lane
from infra.database import database
from tests.support.market import (
    broken_rules,
    code,
    empty_shop,
    given_coupon,
    given_product,
    one,
    put_in_cart,
    select,
)
from tests.support.ordering import issued, order
from tests.support.shop import accepted, given_users, jobs, make_drain

pytestmark = pytest.mark.usefixtures("database")


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


