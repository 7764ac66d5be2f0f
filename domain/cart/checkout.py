"""How orders buy carts: the version at acceptance, the locked cart at work, the lines bought gone.

An edit of a cart locks its row before it looks at a line, and so does a checkout; a line therefore
needs no lock of its own.
"""

from collections.abc import Iterable

from domain.cart import checkout_store
from domain.cart.basket import Basket, BasketLine


def versions(user_ids: Iterable[int]) -> dict[int, int]:
    """The versions of the users' carts as committed now; a cart never used has version 0."""
    wanted = sorted(set(user_ids))
    return {**dict.fromkeys(wanted, 0), **checkout_store.versions(wanted)}


def lock(user_ids: Iterable[int]) -> dict[int, Basket]:
    """Lock the users' carts, by user id, and return them with their lines.

    A cart never used is an empty one: it has no row to lock, and lines that somebody puts into it
    meanwhile are not looked at.
    """
    wanted = sorted(set(user_ids))
    found = checkout_store.lock(wanted)
    lines = checkout_store.lines(list(found))
    return {
        user_id: Basket(user_id, found.get(user_id, 0), lines.get(user_id, ()))
        for user_id in wanted
    }


def write(baskets: Iterable[Basket]) -> None:
    """Take what was bought out of the carts, each from the version that was read.

    Raises CartMoved when a cart or a line was not as read.
    """
    bought = [basket for basket in baskets if basket.bought]
    if bought:
        checkout_store.delete_lines([line.id for basket in bought for line in basket.bought])
        checkout_store.bump([(basket.user_id, basket.opening_version) for basket in bought])


__all__ = ["Basket", "BasketLine", "lock", "versions", "write"]
