"""Users with money, and their carts."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from random import Random

from commands.seeding.insertion import Advance, chunks, insert
from infra.database import run_transaction

LINES = 3
"""Products in a seeded cart."""


def seed_users(
    names: Sequence[str], balance: int, created_at: datetime, advance: Advance
) -> list[int]:
    """Users who each open with ``balance`` won; their ids."""
    ids: list[int] = []
    for part in chunks(names):
        ids += run_transaction(partial(insert_users, part, balance, created_at))
        advance(len(part))
    return ids


def insert_users(
    names: Sequence[str], balance: int, created_at: datetime, ids: Sequence[int] | None = None
) -> list[int]:
    """The same in the caller's transaction, with ``ids`` if given."""
    columns = ("name", "balance", "created_at")
    ids = insert("users", columns, [(name, balance, created_at) for name in names], ids)
    insert(
        "balance_history",
        ("user_id", "kind", "amount", "previous_balance", "current_balance", "created_at"),
        [(id_, "opening", balance, 0, balance, created_at) for id_ in ids],
    )
    return ids


def seed_carts(
    user_ids: Sequence[int], product_ids: Sequence[int], random: Random, advance: Advance
) -> None:
    """Put one each of some distinct products of ``product_ids`` into each user's new cart."""
    lines = min(LINES, len(product_ids))
    for part in chunks(user_ids):
        picked = [
            (user_id, product_id, 1)
            for user_id in part
            for product_id in random.sample(product_ids, lines)
        ]
        run_transaction(partial(insert_carts, part, picked))
        advance(len(part))


def insert_carts(user_ids: Sequence[int], picked: Sequence[tuple[int, int, int]]) -> None:
    """Carts with (user, product, quantity) lines, in the caller's transaction."""
    insert("carts", ("user_id", "version"), [(user_id, 1) for user_id in user_ids])
    insert("cart_items", ("cart_id", "product_id", "quantity"), picked)
