"""A plan of how many rows of what, and its carrying out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from commands.seeding.catalog import Coupon, Product, imagine, insert_coupons, seed_products
from commands.seeding.insertion import Advance
from commands.seeding.made import Made, range_of
from commands.seeding.orders import DAYS, MAX_LINES, MAX_QUANTITY, seed_orders
from commands.seeding.orders import imagine as imagine_orders
from commands.seeding.people import seed_carts, seed_users
from infra.database import now, rows, run_transaction, session

BALANCE = 10_000_000
"""Won that every seeded user has at the end."""
STOCK = 1_000_000
"""Pieces that every seeded product has at the end, at least."""
HOT = 10
"""Carts are filled from so many products, the first ones."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rows of what. Orders belong to the users and products of the same plan, so that no
    balance or stock in use is touched; ``seed`` decides all that is random."""

    users: int = 0
    products: int = 0
    orders: int = 0
    carts: bool = False
    coupon_quantity: int = 0
    seed: int = 1


Phase = Callable[[str, int], Advance]
"""Begins a phase, by name and size, and gives what hears of its progress."""


def seed(plan: Plan, phase: Phase) -> Made:
    """Carry out ``plan``, a transaction a chunk.

    Raises ValueError for orders without users or products, and carts without products.
    """
    random = Random(plan.seed)  # noqa: S311 - test data, the same every time
    _check(plan)
    with session():
        today = now()
    # Whoever ordered within the last days was there before them.
    since = today - timedelta(days=DAYS + 1) if plan.orders else today
    catalog = _products(plan, random)
    product_ids = seed_products(catalog, since, phase("products", plan.products))
    purse = BALANCE + _most_spent(plan, catalog)
    names = [f"User {number + 1}" for number in range(plan.users)]
    user_ids = seed_users(names, purse, since, phase("users", plan.users))
    order_ids = []
    if plan.orders:
        order_ids = seed_orders(
            imagine_orders(plan.orders, user_ids, product_ids, today, random),
            dict(zip(product_ids, catalog, strict=True)),
            phase("orders", plan.orders),
        )
    if plan.carts:
        seed_carts(user_ids, _hot(product_ids), random, phase("carts", plan.users))
    return Made(
        users=range_of(user_ids),
        products=range_of(product_ids),
        orders=range_of(order_ids),
        carts=plan.users if plan.carts else 0,
        coupons=_coupon(plan),
    )


def _check(plan: Plan) -> None:
    if plan.orders and not (plan.users and plan.products):
        raise ValueError("orders need users and products of the same seeding")
    if plan.carts and not plan.users:
        raise ValueError("carts need users of the same seeding")
    if plan.carts and not plan.products and not _hot([]):
        raise ValueError("carts need products, and there are none yet")


def _products(plan: Plan, random: Random) -> list[Product]:
    return imagine(plan.products, STOCK + plan.orders * MAX_QUANTITY, random)


def _most_spent(plan: Plan, catalog: list[Product]) -> int:
    """What the orders of one user can cost at most, in won."""
    if not plan.orders:
        return 0
    dearest = max(product.price for product in catalog)
    return -(-plan.orders // plan.users) * MAX_LINES * MAX_QUANTITY * dearest


def _hot(product_ids: list[int]) -> list[int]:
    """The first products of this seeding, or of the shop if it made none."""
    if product_ids:
        return product_ids[:HOT]
    with session():
        return [row[0] for row in rows("SELECT id FROM products ORDER BY id LIMIT %s", (HOT,))]


def _coupon(plan: Plan) -> list[int]:
    if not plan.coupon_quantity:
        return []

    def work() -> list[int]:
        return insert_coupons(
            [
                Coupon(
                    "First come, first served", "fixed", 1_000, plan.coupon_quantity,
                    expires_at=now() + timedelta(days=DAYS),
                )
            ]
        )

    return run_transaction(work)
