"""Guards in SQL: unique indexes, row locks, counted rows and lease tokens."""

import re
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from tests.support.guards import switch

_LOCKS = re.compile(r" FOR UPDATE(?: SKIP LOCKED)?| LOCK IN SHARE MODE")


class Hoped(int):
    """How many rows a statement changed, to a caller who counts them: as many as they hoped for.

    Whether it were none at all is still told, since with that callers choose what to do.
    """

    def __eq__(self, other: object) -> bool:
        return other != 0 or int(self) == 0

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __add__(self, other: int) -> "Hoped":
        return Hoped(int(self) + int(other))

    __radd__ = __add__
    __hash__ = int.__hash__


def without_unique_index(guard: str, table: str, index: str) -> Callable[[ModuleType], None]:
    """After migrating, make an ordinary index of a unique one, which serves the same queries."""

    def change(migrating: ModuleType) -> None:
        migrate, database = migrating.migrate, migrating.database

        def without(target: str | None = None) -> list[str]:
            applied: list[str] = migrate(target)
            with migrating.patient_session(60):
                columns = [row[0] for row in migrating.rows(
                    "SELECT column_name FROM information_schema.statistics "
                    "WHERE table_schema = DATABASE() AND table_name = %s AND index_name = %s "
                    "AND non_unique = 0 ORDER BY seq_in_index",
                    (table, index),
                )]
                if columns:
                    dropped = "PRIMARY KEY" if index == "PRIMARY" else f"INDEX {index}"
                    name = f"{table}_not_unique" if index == "PRIMARY" else index
                    database.execute_sql(
                        f"ALTER TABLE {table} DROP {dropped}, ADD INDEX {name} "
                        f"({', '.join(columns)})"
                    )
                    switch.note(guard)
            return applied

        migrating.migrate = without  # type: ignore[attr-defined]

    return change


def without_row_locks(database: ModuleType) -> None:
    """Read what was to be locked, and lock nothing."""
    rows = database.rows

    def unlocked(sql: str, params: Sequence[Any] = ()) -> Any:
        stripped = _LOCKS.sub("", sql)
        if stripped != sql:
            switch.note("for-update")
        return rows(stripped, params)

    database.rows = unlocked  # type: ignore[attr-defined]


def without_counting(database: ModuleType) -> None:
    """Tell every caller that as many rows were changed as they wanted."""
    affected = database.affected

    def as_hoped(sql: str, params: Sequence[Any] = ()) -> int:
        switch.note("affected-rows")
        return Hoped(affected(sql, params))

    database.affected = as_hoped  # type: ignore[attr-defined]


def without_lease_tokens(database: ModuleType) -> None:
    """Let a job be ended, put back and given back by whoever names it."""
    affected = database.affected

    def whoever(sql: str, params: Sequence[Any] = ()) -> int:
        if sql.startswith("UPDATE jobs") and "WHERE lease_token = %s AND" in sql:
            switch.note("lease-token")
            sql = sql.replace("WHERE lease_token = %s AND", "WHERE %s IS NOT NULL AND")
        return int(affected(sql, params))

    database.affected = whoever  # type: ignore[attr-defined]


def without_token_look(claim_store: ModuleType) -> None:
    """Before the effects, take the jobs to be still leased."""

    def all_held(ids: Sequence[int], token: bytes) -> int:
        switch.note("lease-look")
        return len(ids)

    claim_store.count_held = all_held  # type: ignore[attr-defined]
