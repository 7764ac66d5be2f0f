"""When: a user's cart is ordered. Then: all that an order can touch."""

from typing import Any

from redis import Redis

from domain.coupons import issue
from domain.jobs.kinds import Command
from domain.orders import place
from tests.support.market import given_coupon, put_in_cart, result, select
from tests.support.shop import accepted, jobs, work

EFFECTS = (
    "orders", "order_items", "payments", "stock_movements", "balance_history", "cart_items",
    "carts", "users", "products", "user_coupons", "outbox_events",
)


def order(user: int, coupon: int | None = None, total: int | None = None) -> Command:
    """The command that buys a user's cart."""
    return place.command(user, user, coupon, total)


def issued(redis: Redis, coupon: int, *users: int) -> None:
    """Let users have a coupon each."""
    accepted(*[issue.command(user, user, coupon) for user in users])
    work(redis)


def holding(redis: Redis, user: int, kind: str = "fixed", value: int = 100) -> int:
    """A coupon of which this user holds the only one; its id."""
    coupon = given_coupon(1, kind, value)
    issued(redis, coupon, user)
    return coupon


def placed(redis: Redis, user: int, wanted: dict[int, int], coupon: int | None = None) -> int:
    """An order of this user; its id."""
    put_in_cart(user, wanted)
    [job] = accepted(order(user, coupon))
    work(redis)
    order_id: int = result(jobs([job])[0])["orderId"]
    return order_id


def effects() -> dict[str, list[tuple[Any, ...]]]:
    """All rows that an order can touch."""
    return {table: select(f"SELECT * FROM {table} ORDER BY 1") for table in EFFECTS}
