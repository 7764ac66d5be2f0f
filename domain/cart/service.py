"""What others may ask of carts.

Every edit is one transaction that locks the cart's row first, and bumps its version only where
something changed: an edit that is sent twice does not spoil an order accepted in between. Whoever
sends it waits: a lock that is not had in 2 s is the end of it. ``admin_id`` is the admin who edits,
if one does: what is done to another's cart is written down in its transaction.
"""

from collections.abc import Sequence
from typing import Any

from domain.admin_audit.service import record_for
from domain.cart import store
from domain.cart.errors import NoSuchItem
from domain.cart.rules import added_up, check_room, checked_quantity
from domain.cart.store import Item
from domain.catalog import service as catalog
from domain.wallet import service as wallet
from infra.database import run_transaction, session


def open_cart(user_id: int) -> None:
    """A new user's empty cart, in the caller's open transaction."""
    store.open_cart(user_id)


def contents(user_id: int) -> dict[str, Any]:
    """``{items, totalAmount}`` at the prices of now. Raises UserNotFound."""
    with session():
        found = store.items(user_id)
        if not found:
            wallet.require(user_id)
    return _cart(found)


def item(item_id: int, user_id: int | None) -> dict[str, Any]:
    """One item, of this user's cart or of anyone's. Raises NoSuchItem."""
    with session():
        return _shown(store.item(item_id, _owner(item_id, user_id)))


def add(
    user_id: int, product_id: int, quantity: int, admin_id: int | None = None
) -> dict[str, Any]:
    """Put a product into the cart, on top of what lies there of it, and answer the item.

    Raises QuantityOutOfBounds, CartFull, UserNotFound, ProductNotFound.
    """

    def work() -> dict[str, Any]:
        wallet.require(user_id)
        catalog.require(product_id)
        store.lock(user_id)
        line = store.line_of(user_id, product_id)
        if line is None:
            check_room(store.count_lines(user_id))
            item_id = store.insert_line(user_id, product_id, quantity)
        else:
            item_id, present = line
            store.set_quantity(item_id, added_up(present, quantity))
        store.bump(user_id)
        detail = {"productId": product_id, "quantity": quantity}
        record_for(user_id, admin_id, "cart.add", detail)
        return _shown(store.item(item_id, user_id))

    checked_quantity(quantity)
    return run_transaction(work, restarts_lock_waits=False)


def set_quantity(
    item_id: int, user_id: int | None, quantity: int, admin_id: int | None = None
) -> dict[str, Any]:
    """Change how many of an item, in this user's cart or in anyone's, and answer the item.

    Raises QuantityOutOfBounds, NoSuchItem.
    """

    def work() -> dict[str, Any]:
        owner = _owner(item_id, user_id)
        store.lock(owner)
        found = store.item(item_id, owner)
        if found is None:
            raise NoSuchItem
        if found.quantity != quantity:
            store.set_quantity(item_id, quantity)
            store.bump(owner)
            detail = {"cartItemId": item_id, "before": found.quantity, "after": quantity}
            record_for(owner, admin_id, "cart.change", detail)
        return _shown(store.item(item_id, owner))

    checked_quantity(quantity)
    return run_transaction(work, restarts_lock_waits=False)


def remove(item_id: int, user_id: int | None, admin_id: int | None = None) -> None:
    """Take an item out of this user's cart, or of anyone's. Raises NoSuchItem."""

    def work() -> None:
        owner = _owner(item_id, user_id)
        store.lock(owner)
        if not store.delete_item(item_id, owner):
            raise NoSuchItem
        store.bump(owner)
        record_for(owner, admin_id, "cart.remove", {"cartItemId": item_id})

    run_transaction(work, restarts_lock_waits=False)


def clear(user_id: int, admin_id: int | None = None) -> dict[str, Any]:
    """Empty the cart and answer it. Raises UserNotFound."""

    def work() -> None:
        wallet.require(user_id)
        store.lock(user_id)
        if store.delete_items(user_id):
            store.bump(user_id)
            record_for(user_id, admin_id, "cart.clear", {})

    run_transaction(work, restarts_lock_waits=False)
    return _cart([])


def _owner(item_id: int, user_id: int | None) -> int:
    """``user_id``; where anyone's items may be reached, whose this one is. Raises NoSuchItem."""
    owner = user_id if user_id is not None else store.owner_of(item_id)
    if owner is None:
        raise NoSuchItem
    return owner


def _cart(items: Sequence[Item]) -> dict[str, Any]:
    return {
        "items": [_shown(item) for item in items],
        "totalAmount": sum(item.price * item.quantity for item in items),
    }


def _shown(item: Item | None) -> dict[str, Any]:
    if item is None:
        raise NoSuchItem
    return {
        "cartItemId": item.id,
        "productId": item.product_id,
        "productName": item.name,
        "price": item.price,
        "quantity": item.quantity,
        "subtotal": item.price * item.quantity,
    }
