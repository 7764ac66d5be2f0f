"""Bring the schema up to date, one runner at a time."""

import time
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from infra.database import database, execute, patient_session, rows
from infra.database_errors import is_restartable

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_PATIENCE_SECONDS = 120
"""How long other runners, and those who hold a table, are waited for."""
_TABLE_SECONDS = 5
"""How long at once. Whoever comes to a table behind one that waits to change it waits too."""
_PAUSE_SECONDS = 2
_LONGEST_CHANGE_SECONDS = 6 * 3600
_LONGEST_LOCK_NAME = 64
"""Characters, on MySQL. A database's name may be as long by itself; those whose names differ only
at the end wait for each other."""


class MigrationBusy(RuntimeError):
    """Another process has been migrating this database for minutes."""


def migrate(target: str | None = None) -> list[str]:
    """Apply the pending migrations, up to ``target`` if given, and return their names.

    Two at once are safe: the second waits for the first under the server's named lock. (On Galera
    or Vitess, which lack it, run the migration from one place.) MySQL commits at each DDL
    statement, so every step is idempotent and a broken migration is simply run again: so it is
    where a table is in use, until it is free.

    Raises MigrationBusy when the lock stays taken, and the database's error when a table does.
    """
    with patient_session(_LONGEST_CHANGE_SECONDS):
        lock = f"migrate.{database.database}"[:_LONGEST_LOCK_NAME]
        if rows("SELECT GET_LOCK(%s, %s)", (lock, _PATIENCE_SECONDS)) != [(1,)]:
            raise MigrationBusy("another process holds the migration lock; is one stuck?")
        try:
            execute("SET SESSION lock_wait_timeout = %s", (_TABLE_SECONDS,))
            return _applied(target)
        finally:
            execute("SELECT RELEASE_LOCK(%s)", (lock,))


def _applied(target: str | None) -> list[str]:
    runner = Runner(database, str(MIGRATIONS), table_name="migrations")
    before = runner.applied()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            runner.up(target)
            return sorted(runner.applied().keys() - before.keys())
        except peewee.OperationalError as error:
            if not is_restartable(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
