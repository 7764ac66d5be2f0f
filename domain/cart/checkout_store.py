"""SQL by which orders read, lock and empty carts."""

from collections.abc import Sequence

from domain.cart.basket import BasketLine
from infra.database import affected, placeholders, rows


class CartMoved(RuntimeError):
    """A cart changed under this transaction's row lock: the transaction must not commit."""


def versions(user_ids: Sequence[int]) -> dict[int, int]:
    """The versions of the carts that have a row."""
    found = rows(
        f"SELECT user_id, version FROM carts WHERE user_id IN ({placeholders(len(user_ids))})",
        user_ids,
    )
    return dict(found)


def lock(user_ids: Sequence[int]) -> dict[int, int]:
    """Lock the carts that have a row, by user id, and return their versions."""
    found = rows(
        f"SELECT user_id, version FROM carts WHERE user_id IN ({placeholders(len(user_ids))}) "
        "ORDER BY user_id FOR UPDATE",
        user_ids,
    )
    return dict(found)


def lines(user_ids: Sequence[int]) -> dict[int, list[BasketLine]]:
    """The lines of locked carts, in the order in which they were put there."""
    baskets: dict[int, list[BasketLine]] = {}
    if user_ids:
        for user_id, *line in rows(
            "SELECT cart_id, id, product_id, quantity FROM cart_items "
            f"WHERE cart_id IN ({placeholders(len(user_ids))}) ORDER BY id",
            user_ids,
        ):
            baskets.setdefault(user_id, []).append(BasketLine(*line))
    return baskets


def delete_lines(ids: Sequence[int]) -> None:
    """Delete lines of locked carts. Raises CartMoved unless all were there."""
    deleted = affected(f"DELETE FROM cart_items WHERE id IN ({placeholders(len(ids))})", ids)
    if deleted != len(ids):
        raise CartMoved(f"{deleted} of {len(ids)} cart lines were as read")


def bump(carts: Sequence[tuple[int, int]]) -> None:
    """Say that locked carts changed: (user id, version read). Raises CartMoved unless as read."""
    updated = affected(
        "UPDATE carts SET version = version + 1 "
        f"WHERE user_id IN ({placeholders(len(carts))}) "
        f"AND (user_id, version) IN ({placeholders(len(carts), '(%s,%s)')})",
        [*(user_id for user_id, _ in carts), *(value for cart in carts for value in cart)],
    )
    if updated != len(carts):
        raise CartMoved(f"{updated} of {len(carts)} carts were as read")
