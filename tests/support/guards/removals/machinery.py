"""Guards in the machinery of jobs: keys, locks and their order, restarts, the sweeper."""

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from tests.support.guards import switch


def without_key_claims(intake_store: ModuleType) -> None:
    """Tell every request that its keys are its own."""

    def yours(claims: Sequence[tuple[Any, Any]]) -> dict[bytes, tuple[Any, bytes]]:
        if claims:
            switch.note("idempotency-claim")
        return {claim.hash: (uuid, claim.fingerprint) for claim, uuid in claims}

    intake_store.claim_keys = yours  # type: ignore[attr-defined]


def without_key_locks(key_lock: ModuleType) -> None:
    """Give every worker every key that it asks for."""

    def all_of_them(_: object, keys: Sequence[str]) -> tuple[str, list[str]]:
        switch.note("key-locks")
        return "everybody's", list(keys)

    key_lock.KeyLocks.acquire = all_of_them  # type: ignore[attr-defined]


def without_sorted_shelves(stock: ModuleType) -> None:
    """Ask for the locks of products as the carts name them …"""

    def as_named(product_ids: Iterable[int]) -> dict[int, Any]:
        wanted = list(dict.fromkeys(product_ids))
        if wanted != sorted(wanted):
            switch.note("lock-order")
        return {shelf.product_id: shelf for shelf in stock.stock_store.lock(wanted)}

    stock.lock = as_named  # type: ignore[attr-defined]


def with_locks_one_by_one(stock_store: ModuleType) -> None:
    """… and take them so: a single statement would walk the index in its order."""
    lock = stock_store.lock

    def one_by_one(ids: Sequence[int]) -> list[Any]:
        return [shelf for id_ in ids for shelf in lock([id_])]

    stock_store.lock = one_by_one  # type: ignore[attr-defined]


def without_restarts(database: ModuleType) -> None:
    """Let a transaction that was the victim of a deadlock, or waited too long, end there."""

    def once(work: Callable[[], Any], *, restarts_lock_waits: bool = True) -> Any:
        switch.note("restarts")
        with database.transaction():
            return work()

    database.run_transaction = once  # type: ignore[attr-defined]


def without_read_back(intake_store: ModuleType) -> None:
    """Look for an unanswered commit without waiting for the transaction that may still be open."""
    committed, rows = intake_store.committed, intake_store.rows

    def unlocked(uuids: Sequence[Any]) -> Any:
        switch.note("read-back")
        intake_store.rows = lambda sql, params=(): rows(sql.replace(" FOR UPDATE", ""), params)
        try:
            return committed(uuids)
        finally:
            intake_store.rows = rows

    intake_store.committed = unlocked  # type: ignore[attr-defined]


def without_sweeping(job_sweeper: ModuleType) -> None:
    """Let the sweeper's tick do nothing."""

    def idle() -> int:
        switch.note("sweeper")
        return 0

    job_sweeper.tick = idle  # type: ignore[attr-defined]
