"""Orders in bulk: completed, paid, and spread evenly over the last days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from random import Random

from commands.seeding.catalog import Product
from commands.seeding.insertion import CHUNK, Advance, insert
from infra.database import execute, placeholders, rows, run_transaction

DAYS = 30
MAX_LINES = 3
MAX_QUANTITY = 3

Line = tuple[int, int]
"""Product id, quantity."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order to be made."""

    user_id: int
    created_at: datetime
    lines: Sequence[Line]


def imagine(
    count: int, user_ids: Sequence[int], product_ids: Sequence[int], until: datetime, random: Random
) -> Iterator[Order]:
    """``count`` orders of the users in turn, oldest first, of random products each."""
    start, apart = until - timedelta(days=DAYS), timedelta(days=DAYS) / count
    lines = range(1, min(MAX_LINES, len(product_ids)) + 1)
    for number in range(count):
        picked = random.sample(product_ids, random.choice(lines))
        yield Order(
            user_ids[number % len(user_ids)],
            start + number * apart,
            [(product_id, random.randint(1, MAX_QUANTITY)) for product_id in picked],
        )


def seed_orders(
    orders: Iterator[Order], catalog: dict[int, Product], advance: Advance
) -> list[int]:
    """Make ``orders`` with all their ledger rows; their ids.

    The users' money and the products' stock must suffice; the schema's checks see to it.
    """
    ids: list[int] = []
    while part := list(islice(orders, CHUNK)):
        ids += run_transaction(partial(_chunk, part, catalog))
        advance(len(part))
    return ids


def _chunk(orders: Sequence[Order], catalog: dict[int, Product]) -> list[int]:
    balances = _lock_balances({order.user_id for order in orders})
    amounts = [sum(catalog[one].price * count for one, count in order.lines) for order in orders]
    ids = insert(
        "orders",
        ("user_id", "total_amount", "discount_amount", "final_amount", "status", "created_at"),
        [
            (order.user_id, amount, 0, amount, "COMPLETED", order.created_at)
            for order, amount in zip(orders, amounts, strict=True)
        ],
    )
    made = list(zip(ids, orders, amounts, strict=True))
    _insert_lines(made, catalog)
    _insert_payments(made, balances)
    _book(ids)
    return ids


def _lock_balances(user_ids: set[int]) -> dict[int, int]:
    found = rows(
        f"SELECT id, balance FROM users WHERE id IN ({placeholders(len(user_ids))}) "
        "ORDER BY id FOR UPDATE",
        sorted(user_ids),
    )
    return dict(found)


def _insert_lines(made: Sequence[tuple[int, Order, int]], catalog: dict[int, Product]) -> None:
    insert(
        "order_items",
        ("order_id", "product_id", "product_name", "price", "quantity"),
        [
            (order_id, one, catalog[one].name, catalog[one].price, count)
            for order_id, order, _ in made
            for one, count in order.lines
        ],
    )
    insert(
        "stock_movements",
        ("product_id", "kind", "quantity", "order_id", "created_at"),
        [
            (one, "order", -count, order_id, order.created_at)
            for order_id, order, _ in made
            for one, count in order.lines
        ],
    )


def _insert_payments(made: Sequence[tuple[int, Order, int]], balances: dict[int, int]) -> None:
    insert(
        "payments",
        ("order_id", "user_id", "amount", "paid_at"),
        [(order_id, order.user_id, amount, order.created_at) for order_id, order, amount in made],
    )
    history = []
    for order_id, order, amount in made:
        before = balances[order.user_id]
        after = balances[order.user_id] = before - amount
        history.append(
            (order.user_id, "payment", -amount, before, after, str(order_id), order.created_at)
        )
    insert(
        "balance_history",
        ("user_id", "kind", "amount", "previous_balance", "current_balance", "reference",
         "created_at"),
        history,
    )


def _book(order_ids: Sequence[int]) -> None:
    """Take what these orders cost and sold from their users' balances and products' stock."""
    some = placeholders(len(order_ids))
    execute(
        "UPDATE users u JOIN (SELECT user_id, SUM(final_amount) AS spent FROM orders "
        f"WHERE id IN ({some}) GROUP BY user_id) s ON s.user_id = u.id "
        "SET u.balance = u.balance - s.spent",
        order_ids,
    )
    execute(
        "UPDATE products p JOIN (SELECT product_id, SUM(quantity) AS sold FROM order_items "
        f"WHERE order_id IN ({some}) GROUP BY product_id) s ON s.product_id = p.id "
        "SET p.stock = p.stock - s.sold, p.sales_count = p.sales_count + s.sold",
        order_ids,
    )
