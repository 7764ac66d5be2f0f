"""The use cases of restock notifications: subscribe, unsubscribe, and give each who waited a mail.

A subscription waits for the next time that the product's stock goes from 0 to more, whatever the
stock is now, and is used up by it.
"""

from domain.admin_audit.service import record_for
from domain.catalog import service as catalog
from domain.catalog import stock
from domain.kernel.ids import uuid7
from domain.restock import mail_store, store
from domain.wallet import service as wallet
from infra.database import run_transaction, session

FANNED_OUT_AT_ONCE = 500
"""Mails made in one transaction, however many wait for a product."""


def subscribe(product_id: int, user_id: int, email: str, admin_id: int | None = None) -> None:
    """Have the user told at ``email``; again, it replaces the address.

    ``admin_id``: the admin who asks for it, which is written down if it is for another user.

    A mail from the time before that has not gone out yet goes to the new address too. Raises
    ProductNotFound, UserNotFound.
    """

    def work() -> None:
        wallet.require(user_id)
        # A stock that moves at this moment has moved before, or will after: never in between, where
        # the one who waits would be seen by neither.
        stock.hold(product_id)
        store.subscribe(product_id, user_id, email)
        mail_store.readdress(product_id, user_id, email)
        record_for(user_id, admin_id, "notification.subscribe", {"productId": product_id})

    run_transaction(work, restarts_lock_waits=False)


def unsubscribe(product_id: int, user_id: int, admin_id: int | None = None) -> None:
    """Forget the address: nothing is sent but what is under way. Raises ProductNotFound."""

    def work() -> None:
        catalog.require(product_id)
        if store.unsubscribe(product_id, user_id) + mail_store.withdraw(product_id, user_id):
            record_for(user_id, admin_id, "notification.unsubscribe", {"productId": product_id})

    run_transaction(work, restarts_lock_waits=False)


def fan_out() -> int | None:
    """Make mails for some of those who waited for a product that came back; how many it made,
    None where no product came back.

    One bounded step, in one transaction: each subscription becomes one mail, and the product is
    done with when nobody is left. Several processes may do this at once.
    """
    with session():
        if not store.any_back():
            return None
    return run_transaction(_step)


def _step() -> int | None:
    back = store.lock_back()
    if back is None:
        return None
    ids = store.waiting_for(back, FANNED_OUT_AT_ONCE)
    taken = store.lock(ids) if ids else []
    if taken:
        store.move(back, [(subscription, uuid7()) for subscription in taken])
    if len(ids) < FANNED_OUT_AT_ONCE:
        store.forget_back(back.id)
    return len(taken)


__all__ = ["fan_out", "subscribe", "unsubscribe"]
