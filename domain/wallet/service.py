"""What others may ask of the wallet."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from domain.kernel.clock import rfc3339
from domain.wallet import store
from domain.wallet.errors import BalanceTooLow, UserNotFound
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


def existing(user_ids: Iterable[int]) -> set[int]:
    """Those of the users that exist, unlocked: a user, once there, stays."""
    return store.existing(sorted(set(user_ids)))


def lock(user_ids: Iterable[int]) -> dict[int, Account]:
    """Lock the users that exist, by id, for jobs that move their money: the first rows that such
    a job locks."""
    return store.lock_accounts(user_ids)


def book(accounts: Iterable[Account], at: datetime, references: Mapping[int, str]) -> None:
    """Write what moved on locked accounts; ``references``: what a job's payment was for.

    Raises BalanceMoved when a balance is not the one that was read.
    """
    store.write(accounts, at, references)


__all__ = [
    "Account", "BalanceTooLow", "UserNotFound", "balance", "book", "create_user", "existing",
    "history", "lock", "require", "user",
]
