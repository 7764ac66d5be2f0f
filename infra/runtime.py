"""The one start-up that every process of the fleet uses."""

import gc
import os

import structlog

from infra import database, logs
from infra.settings import Settings, settings

log = structlog.get_logger(__name__)

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""How many more objects than before there may be until garbage is looked for. In a web process
Python's 700 are made by the requests of one burst, and 5,000 by those of several, so that what is
walked through is in use; of 20,000 most is garbage, and a walk takes some 10 ms
(docs/performance.md)."""


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
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def give_way() -> None:
    """Interrupt no other process when something comes in (sched(7), SCHED_BATCH), from now on and
    in all threads that this one starts: for processes that wait for others, which hold locks and
    are the sooner done with them (docs/performance.md).

    Where a system has no such thing, or forbids it, the process only works in smaller pieces.
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError as error:
        log.warning("process does not give way to others", error=str(error))
