"""SQL of users' balances and their history."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.wallet.rules import Account, Entry
from infra.database import affected, execute, placeholders, put_off, rows


class BalanceMoved(RuntimeError):
    """A balance changed under this transaction's row lock: the transaction must not commit."""


def lock_accounts(user_ids: Iterable[int]) -> dict[int, Account]:
    """Lock the users that exist, by id, and return their balances."""
    ids = sorted(set(user_ids))
    found = rows(
        f"SELECT id, balance FROM users WHERE id IN ({placeholders(len(ids))}) "
        "ORDER BY id FOR UPDATE",
        ids,
    )
    return {id_: Account(id_, balance) for id_, balance in found}


def existing(user_ids: Sequence[int]) -> set[int]:
    """Those of the users that exist."""
    found = rows(
        f"SELECT id FROM users WHERE id IN ({placeholders(len(user_ids))})", user_ids
    )
    return {row[0] for row in found}


def write(
    accounts: Iterable[Account], at: datetime, references: Mapping[int, str] | None = None
) -> None:
    """Write what moved: new balances, each from the one that was read, and the history rows.

    ``references`` names what a job's movement was for where the movement could not (job id → text).
    Raises BalanceMoved when a balance is not the one that was read.
    """
    moved = [account for account in accounts if account.entries]
    changed = [account for account in moved if account.balance != account.opening]
    if changed:
        _write_balances(changed)
    entries = [entry for account in moved for entry in account.entries]
    if entries:
        _insert_history(entries, at, references or {})


def _write_balances(accounts: Sequence[Account]) -> None:
    whens = " ".join(["WHEN %s THEN %s"] * len(accounts))
    updated = affected(
        f"UPDATE users SET balance = CASE id {whens} END "
        f"WHERE id IN ({placeholders(len(accounts))}) AND balance = CASE id {whens} END",
        [
            *(value for one in accounts for value in (one.user_id, one.balance)),
            *(one.user_id for one in accounts),
            *(value for one in accounts for value in (one.user_id, one.opening)),
        ],
    )
    if updated != len(accounts):
        raise BalanceMoved(f"{updated} of {len(accounts)} balances were as read")


def _insert_history(
    entries: Sequence[Entry], at: datetime, references: Mapping[int, str]
) -> None:
    params: list[Any] = []
    for entry in entries:
        reference = entry.reference or references.get(entry.job_id or 0)
        params += [
            entry.user_id, str(entry.kind), entry.amount, entry.previous, entry.current,
            reference, entry.job_id, at,
        ]
    put_off(
        "INSERT INTO balance_history (user_id, kind, amount, previous_balance, current_balance, "
        "reference, job_id, created_at) VALUES "
        + placeholders(len(entries), f"({placeholders(8)})"),
        params,
    )


def insert_user(name: str, at: datetime) -> int:
    """Insert a user without money yet, and return their id."""
    cursor = execute("INSERT INTO users (name, created_at) VALUES (%s, %s)", (name, at))
    return int(cursor.lastrowid)


def user_of(user_id: int) -> tuple[str, int, datetime] | None:
    """Name, balance and created_at, None if there is no such user."""
    found = rows("SELECT name, balance, created_at FROM users WHERE id = %s", (user_id,))
    return found[0] if found else None


def balance_of(user_id: int) -> int | None:
    """The user's balance in won, None if there is no such user."""
    found = rows("SELECT balance FROM users WHERE id = %s", (user_id,))
    return found[0][0] if found else None


def history_of(user_id: int, before: int | None, limit: int) -> list[tuple[Any, ...]]:
    """History rows older than the row id ``before``, newest first: id, kind, amount, previous,
    current, reference, created_at."""
    clause = "AND id < %s" if before is not None else ""
    params = [user_id, *([before] if before is not None else []), limit]
    return rows(
        "SELECT id, kind, amount, previous_balance, current_balance, reference, created_at "
        f"FROM balance_history WHERE user_id = %s {clause} ORDER BY id DESC LIMIT %s",
        params,
    )
