"""The same for orders: each user's whole cart."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from bench.limits.effects import Cursor, event_of, finish, listed, lock_jobs, now


def orders(cursor: Cursor, ids: Sequence[int]) -> None:
    """Buy the carts of the jobs' users; no user twice among them."""
    jobs = lock_jobs(cursor, ids)
    users = listed([user for _, user in jobs])
    balances = _locked(cursor, "id, balance FROM users", "id", users)
    _locked(cursor, "user_id, version FROM carts", "user_id", users)
    cursor.execute(
        "SELECT cart_id, product_id, quantity FROM cart_items "
        f"WHERE cart_id IN ({users}) ORDER BY id"
    )
    carts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for user, product, quantity in cursor.fetchall():
        carts[user].append((product, quantity))
    wanted = sorted({product for lines in carts.values() for product, _ in lines})
    cursor.execute(
        f"SELECT id, name, price FROM products WHERE id IN ({listed(wanted)}) "
        "ORDER BY id FOR UPDATE"
    )
    shelf = {product: (name, price) for product, name, price in cursor.fetchall()}
    totals = {
        user: sum(shelf[product][1] * quantity for product, quantity in carts[user])
        for _, user in jobs
    }
    cursor.execute(
        "INSERT INTO orders (user_id, job_id, total_amount, discount_amount, final_amount, status, "
        "created_at) VALUES "
        + ",".join(f"({user},{id_},{totals[user]},0,{totals[user]},'COMPLETED',NOW(3))"
                   for id_, user in jobs)
    )
    first = int(cursor.lastrowid)
    placed = [(first + place, id_, user) for place, (id_, user) in enumerate(jobs)]
    _write_lines(cursor, placed, carts, shelf)
    _write_money(cursor, placed, totals, balances)
    _write_stock(cursor, carts)
    cursor.execute(f"DELETE FROM cart_items WHERE cart_id IN ({users})")
    cursor.execute(f"UPDATE carts SET version = version + 1 WHERE user_id IN ({users})")
    shown = [
        (order, id_, user, _shown(order, carts[user], shelf, totals[user]))
        for order, id_, user in placed
    ]
    finish(
        cursor,
        [(id_, json.dumps(one)) for _, id_, _, one in shown],
        [("order", order, "order.completed", event_of({**one, "userId": user}))
         for order, _, user, one in shown],
    )


def _locked(cursor: Cursor, what: str, column: str, ids: str) -> dict[int, int]:
    cursor.execute(f"SELECT {what} WHERE {column} IN ({ids}) ORDER BY {column} FOR UPDATE")
    return dict(cursor.fetchall())


def _write_lines(
    cursor: Cursor, placed: Sequence[tuple[int, int, int]],
    carts: dict[int, list[tuple[int, int]]], shelf: dict[int, tuple[str, int]],
) -> None:
    lines = [(order, *line) for order, _, user in placed for line in carts[user]]
    cursor.execute(
        "INSERT INTO order_items (order_id, product_id, product_name, price, quantity) VALUES "
        + ",".join(
            f"({order},{product},'{shelf[product][0]}',{shelf[product][1]},{quantity})"
            for order, product, quantity in lines
        )
    )
    cursor.execute(
        "INSERT INTO stock_movements (product_id, kind, quantity, order_id) VALUES "
        + ",".join(f"({product},'order',-{quantity},{order})" for order, product, quantity in lines)
    )


def _write_money(
    cursor: Cursor, placed: Sequence[tuple[int, int, int]], totals: dict[int, int],
    balances: dict[int, int],
) -> None:
    cursor.execute(
        "INSERT INTO payments (order_id, user_id, amount, paid_at) VALUES "
        + ",".join(f"({order},{user},{totals[user]},NOW(3))" for order, _, user in placed)
    )
    cursor.execute(
        "INSERT INTO balance_history (user_id, kind, amount, previous_balance, current_balance, "
        "reference, job_id) VALUES "
        + ",".join(
            f"({user},'payment',-{totals[user]},{balances[user]},{balances[user] - totals[user]},"
            f"'{order}',{id_})"
            for order, id_, user in placed
        )
    )
    whens = " ".join(f"WHEN {user} THEN {balances[user] - totals[user]}" for _, _, user in placed)
    cursor.execute(
        f"UPDATE users SET balance = CASE id {whens} END "
        f"WHERE id IN ({listed([user for _, _, user in placed])})"
    )


def _write_stock(cursor: Cursor, carts: dict[int, list[tuple[int, int]]]) -> None:
    sold: Counter[int] = Counter()
    for lines in carts.values():
        for product, quantity in lines:
            sold[product] += quantity
    whens = " ".join(f"WHEN {product} THEN {count}" for product, count in sold.items())
    cursor.execute(
        f"UPDATE products SET stock = stock - CASE id {whens} END, "
        f"sales_count = sales_count + CASE id {whens} END WHERE id IN ({listed(sorted(sold))})"
    )


def _shown(
    order: int, lines: Sequence[tuple[int, int]], shelf: dict[int, tuple[str, int]], total: int
) -> dict[str, Any]:
    return {
        "orderId": order,
        "items": [
            {
                "productId": product, "productName": shelf[product][0],
                "price": shelf[product][1], "quantity": quantity,
                "subtotal": shelf[product][1] * quantity,
            }
            for product, quantity in lines
        ],
        "totalAmount": total, "discountAmount": 0, "finalAmount": total, "status": "COMPLETED",
        "createdAt": now(),
    }
