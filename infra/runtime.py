"""The one start-up that every process of the fleet uses."""

import gc

from infra import database, logs
from infra.settings import Settings, settings


def start(process: str) -> Settings:
    """Read the settings, set up logs and point the database; connect to nothing yet.

    Raises SystemExit with one clear line for a bad setting.
    """
    current = settings()
    logs.configure(process, current.log_level)
    database.configure(current.database_url, current.database_connections)
    return current


def loaded() -> None:
    """Say that the process has loaded what it needs: that stays, and need not be walked through
    each time that garbage is looked for, which makes everybody wait meanwhile."""
    gc.collect()
    gc.freeze()
