"""SQL by which orders are made."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from domain.orders.order import Order, OrderStatus
from domain.orders.rules import Purchase
from infra.database import placeholders, put_off, rows, several


def bought_before(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """How many of a product a user has in completed orders, for (user, product) pairs."""
    if not pairs:
        return {}
    users = sorted({user_id for user_id, _ in pairs})
    products = sorted({product_id for _, product_id in pairs})
    found = rows(
        "SELECT o.user_id, i.product_id, SUM(i.quantity) "
        "FROM orders o JOIN order_items i ON i.order_id = o.id "
        f"WHERE o.user_id IN ({placeholders(len(users))}) AND o.status = 'COMPLETED' "
        f"AND i.product_id IN ({placeholders(len(products))}) GROUP BY o.user_id, i.product_id",
        (*users, *products),
    )
    return {(user_id, product_id): int(quantity) for user_id, product_id, quantity in found}


def insert(purchases: Sequence[Purchase]) -> dict[int, Order]:
    """Insert an order a purchase, all of one instant, with its lines and its payment; by job."""
    params: list[object] = []
    for one in purchases:
        params += [
            one.wish.user_id, one.wish.job_id, one.wish.coupon_id,
            one.coupon.id if one.coupon else None, one.total, one.discount, one.final,
        ]
    _, found = several(
        (
            "INSERT INTO orders (user_id, job_id, coupon_id, user_coupon_id, total_amount, "
            "discount_amount, final_amount, status, created_at) VALUES "
            + placeholders(len(purchases), f"({placeholders(7)}, 'COMPLETED', NOW(3))"),
            params,
        ),
        (
            "SELECT job_id, id, created_at FROM orders "
            f"WHERE job_id IN ({placeholders(len(purchases))})",
            [one.wish.job_id for one in purchases],
        ),
    )
    made = {job_id: (id_, created_at) for job_id, id_, created_at in found}
    orders = {one.wish.job_id: _order(one, *made[one.wish.job_id]) for one in purchases}
    _insert_lines(orders.values())
    _insert_payments(orders.values())
    return orders


def _order(purchase: Purchase, order_id: int, created_at: datetime) -> Order:
    return Order(
        id=order_id,
        user_id=purchase.wish.user_id,
        lines=purchase.lines,
        total=purchase.total,
        discount=purchase.discount,
        final=purchase.final,
        coupon_id=purchase.wish.coupon_id,
        user_coupon_id=purchase.coupon.id if purchase.coupon else None,
        status=OrderStatus.COMPLETED,
        created_at=created_at,
    )


def _insert_lines(orders: Iterable[Order]) -> None:
    lines = [(order.id, line) for order in orders for line in order.lines]
    params: list[object] = []
    for order_id, line in lines:
        params += [order_id, line.product_id, line.product_name, line.price, line.quantity]
    put_off(
        "INSERT INTO order_items (order_id, product_id, product_name, price, quantity) VALUES "
        + placeholders(len(lines), "(%s,%s,%s,%s,%s)"),
        params,
    )


def _insert_payments(orders: Collection[Order]) -> None:
    params: list[object] = []
    for order in orders:
        params += [order.id, order.user_id, order.final, order.created_at]
    put_off(
        "INSERT INTO payments (order_id, user_id, amount, paid_at) VALUES "
        + placeholders(len(orders), "(%s,%s,%s,%s)"),
        params,
    )
