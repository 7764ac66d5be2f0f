"""The demo shop: small, the same every time, and made once."""

from datetime import datetime, timedelta

import peewee

from commands.seeding.catalog import Coupon, Product, insert_coupons, insert_products
from commands.seeding.made import Made, range_of
from commands.seeding.people import insert_carts, insert_users
from infra.database import now, rows, run_transaction

BALANCE = 1_000_000

NAMES = ("Kim Minseo", "Lee Jiho", "Park Seoyeon", "Choi Doyun", "Jung Haeun")

# Name, description, price in won, stock, category.
CATALOG: tuple[tuple[str, str, int, int, str], ...] = (
    ("Wool Coat", "Double-faced wool, knee length.", 189_000, 40, "outer"),
    ("Rain Parka", "Taped seams, packs into its own pocket.", 99_000, 80, "outer"),
    ("Denim Jacket", "Twelve-ounce denim, washed once.", 79_000, 60, "outer"),
    ("Oxford Shirt", "Cotton, button-down collar.", 39_000, 200, "tops"),
    ("Heavy Hoodie", "Brushed inside, 480 g/m².", 59_000, 150, "tops"),
    ("Striped Tee", "Breton stripes on heavy cotton.", 25_000, 300, "tops"),
    ("Straight Jeans", "Raw denim that fades your way.", 69_000, 120, "bottoms"),
    ("Pleated Chinos", "Wide, with two pleats.", 55_000, 120, "bottoms"),
    ("Canvas Sneakers", "Vulcanized sole.", 49_000, 100, "shoes"),
    ("Chelsea Boots", "Suede, in very short supply.", 159_000, 5, "shoes"),
    ("Market Tote", "Holds a week's vegetables.", 19_000, 500, "bags"),
    ("Roll-top Backpack", "Waterproof, 22 litres.", 89_000, 0, "bags"),
)

# (user, product, quantity): the first order works right away.
CARTS = ((1, 4, 1), (1, 6, 2), (1, 11, 1), (2, 9, 1), (2, 5, 1))


def seed_demo() -> Made | None:
    """Make the demo shop in one transaction; None if the shop has users or products already.

    Its ids begin at 1: two that seed at once collide on them, and the second finds it done.
    """
    try:
        return run_transaction(_demo)
    except peewee.IntegrityError:
        return None


def _demo() -> Made | None:
    if any(rows(f"SELECT 1 FROM {table} LIMIT 1") for table in ("users", "products", "coupons")):
        return None
    at = now()
    user_ids = insert_users(NAMES, BALANCE, at, range(1, len(NAMES) + 1))
    products = [Product(*row) for row in CATALOG]
    product_ids = insert_products(products, at, range(1, len(products) + 1))
    insert_carts(sorted({user_id for user_id, _, _ in CARTS}), CARTS)
    coupons = _coupons(at)
    return Made(
        users=range_of(user_ids),
        products=range_of(product_ids),
        carts=len({user_id for user_id, _, _ in CARTS}),
        coupons=insert_coupons(coupons, range(1, len(coupons) + 1)),
    )


def _coupons(at: datetime) -> list[Coupon]:
    expires_at = at + timedelta(days=90)
    return [
        Coupon("5,000 won for the first hundred", "fixed", 5_000, 100, expires_at),
        Coupon("Next week's drop", "fixed", 20_000, 50, expires_at, at + timedelta(days=7)),
        Coupon("A tenth off from 30,000 won", "percentage", 10, 1_000, expires_at, minimum=30_000),
    ]
