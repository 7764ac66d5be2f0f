"""Bring the schema up to date, one runner at a time."""

from pathlib import Path

from playhouse.migrations import Runner

from infra.database import database, execute, rows, session

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_LOCK_SECONDS = 120
_LONGEST_LOCK_NAME = 64
"""Characters, on MySQL. A database's name may be as long by itself; those whose names differ only
at the end wait for each other."""


class MigrationBusy(RuntimeError):
    """Another process has been migrating this database for minutes."""


def migrate(target: str | None = None) -> list[str]:
    """Apply the pending migrations, up to ``target`` if given, and return their names.

    Two at once are safe: the second waits for the first under the server's named lock. (On Galera
    or Vitess, which lack it, run the migration from one place.) MySQL commits at each DDL
    statement, so every step is idempotent and a broken migration is simply run again.

    Raises MigrationBusy when the lock stays taken.
    """
    with session():
        lock = f"migrate.{database.database}"[:_LONGEST_LOCK_NAME]
        if rows("SELECT GET_LOCK(%s, %s)", (lock, _LOCK_SECONDS)) != [(1,)]:
            raise MigrationBusy("another process holds the migration lock; is one stuck?")
        try:
            # A table is changed once those at work on it have ended theirs.
            execute("SET SESSION lock_wait_timeout = %s", (_LOCK_SECONDS,))
            applied: list[str] = Runner(database, str(MIGRATIONS), table_name="migrations").up(
                target
            )
            return applied
        finally:
            execute("SELECT RELEASE_LOCK(%s)", (lock,))
            database.discard()  # no other work inherits that patience
