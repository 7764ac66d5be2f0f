"""What others may ask of the wallet."""

from typing import Any

from domain.kernel.clock import rfc3339
from domain.wallet import store
from domain.wallet.errors import UserNotFound
from domain.wallet.rules import Account
from infra.database import now, session


def create_user(name: str, balance: int) -> dict[str, Any]:
    """A new user, whose history begins with what they open with, be it nothing.

    In the caller's open transaction.
    """
    at = now()
    account = Account(store.insert_user(name, at), 0)
    account.open(balance)
    store.write([account], at)
    return user(account.user_id)


def user(user_id: int) -> dict[str, Any]:
    """``{userId, name, balance, createdAt}``. Raises UserNotFound."""
    with session():
        found = store.user_of(user_id)
    if found is None:
        raise UserNotFound
    name, balance, created_at = found
    return {
        "userId": user_id, "name": name, "balance": balance, "createdAt": rfc3339(created_at),
    }


def require(user_id: int) -> None:
    """Raise UserNotFound unless there is such a user."""
    balance(user_id)


def balance(user_id: int) -> dict[str, int]:
    """The user's balance. Raises UserNotFound."""
    with session():
        found = store.balance_of(user_id)
    if found is None:
        raise UserNotFound
    return {"userId": user_id, "balance": found}


def history(user_id: int, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` movements older than the row id ``before``, newest first.

    Raises UserNotFound.
    """
    with session():
        if store.balance_of(user_id) is None:
            raise UserNotFound
        found = store.history_of(user_id, before, limit)
    return [
        {
            "id": id_, "kind": kind, "amount": amount, "previousBalance": previous,
            "currentBalance": current, "reference": reference, "createdAt": rfc3339(created_at),
        }
        for id_, kind, amount, previous, current, reference, created_at in found
    ]
