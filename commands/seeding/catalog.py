"""Products with stock, and coupons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import product as pairs
from random import Random

from commands.seeding.insertion import Advance, chunks, insert
from infra.database import run_transaction

_LOOKS = ("Plain", "Striped", "Woven", "Washed", "Brushed", "Quilted", "Ribbed", "Light")
_THINGS = {
    "outer": ("Parka", "Anorak", "Blazer"),
    "tops": ("Shirt", "Hoodie", "Sweater"),
    "bottoms": ("Jeans", "Chinos", "Shorts"),
    "shoes": ("Sneakers", "Loafers", "Boots"),
    "bags": ("Tote", "Backpack", "Pouch"),
}


@dataclass(frozen=True, slots=True)
class Product:
    """A product to be made; ``price`` in won."""

    name: str
    description: str
    price: int
    stock: int
    category: str


def imagine(count: int, stock: int, random: Random) -> list[Product]:
    """``count`` products with random prices from 1,000 to 50,000 won."""
    kinds = [(category, thing) for category, things in _THINGS.items() for thing in things]
    styles = [(look, *kind) for look, kind in pairs(_LOOKS, kinds)]
    products = []
    for number in range(count):
        look, category, thing = styles[number % len(styles)]
        name = f"{look} {thing} {number + 1}"
        price = random.randrange(1_000, 50_001, 100)
        products.append(Product(name, f"{look} {thing.lower()}.", price, stock, category))
    return products


def seed_products(
    products: Sequence[Product], created_at: datetime, advance: Advance
) -> list[int]:
    """Make ``products``, each with the opening movement of its stock; their ids."""
    ids: list[int] = []
    for part in chunks(products):
        ids += run_transaction(partial(insert_products, part, created_at))
        advance(len(part))
    return ids


def insert_products(
    products: Sequence[Product], created_at: datetime, ids: Sequence[int] | None = None
) -> list[int]:
    """The same in the caller's transaction, with ``ids`` if given."""
    ids = insert(
        "products",
        ("name", "description", "price", "stock", "category", "created_at"),
        [
            (one.name, one.description, one.price, one.stock, one.category, created_at)
            for one in products
        ],
        ids,
    )
    insert(
        "stock_movements",
        ("product_id", "kind", "quantity", "created_at"),
        [(id_, "opening", one.stock, created_at) for id_, one in zip(ids, products, strict=True)],
    )
    return ids


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon to be made; ``kind`` is percentage or fixed (won)."""

    name: str
    kind: str
    value: int
    quantity: int
    expires_at: datetime
    starts_at: datetime | None = None
    minimum: int = 0


def insert_coupons(coupons: Sequence[Coupon], ids: Sequence[int] | None = None) -> list[int]:
    """Make ``coupons`` and their gates in the caller's transaction, with ``ids`` if given."""
    ids = insert(
        "coupons",
        ("name", "discount_type", "discount_value", "min_order_amount", "max_quantity",
         "starts_at", "expires_at"),
        [
            (one.name, one.kind, one.value, one.minimum, one.quantity, one.starts_at,
             one.expires_at)
            for one in coupons
        ],
        ids,
    )
    insert(
        "coupon_gates",
        ("coupon_id", "starts_at", "expires_at"),
        [(id_, one.starts_at, one.expires_at) for id_, one in zip(ids, coupons, strict=True)],
    )
    return ids
