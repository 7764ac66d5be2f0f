"""The purge: what has ended long enough ago goes, in small batches with pauses between them."""

import threading
from functools import partial

import structlog

from domain.retention import rules, store
from domain.retention.rules import Kept
from infra.database import run_transaction, session
from infra.metrics import rows_purged

BATCH = 1000
REST_SECONDS = 0.05
"""Between two batches: everyone else's turn."""

log = structlog.get_logger(__name__)


def purge(days: int, stopping: threading.Event | None = None) -> dict[str, int]:
    """Remove what ended more than ``days`` ago; return how many rows of each table went.

    Two at once do no harm. ``stopping`` ends it after the batch under way; the next purge goes on
    there. Raises what the database raises, with the batches before it done.
    """
    pause = stopping or threading.Event()
    # Keys first: while a key lives, the job it names does.
    gone = {"idempotency_keys": _purge_keys(pause)}
    with session():
        marks = store.settled()
    for table in rules.TABLES:
        gone[table.table], marks[table.table] = _purge_table(
            table, marks.get(table.table, 0), days, pause
        )
    run_transaction(lambda: store.remember(marks))
    log.info("purged", days=days, **gone)
    return gone


def _purge_keys(pause: threading.Event) -> int:
    total = 0
    while not pause.is_set():
        gone = run_transaction(lambda: store.delete_expired_keys(BATCH))
        rows_purged.labels("idempotency_keys").inc(gone)
        total += gone
        if gone < BATCH:
            break
        pause.wait(REST_SECONDS)
    return total


def _purge_table(table: Kept, after: int, days: int, pause: threading.Event) -> tuple[int, int]:
    """Walk the table from key ``after``. Returns rows gone, and where the next walk begins."""
    total, settled, more = 0, after, True
    while more and not pause.is_set():
        with session():
            window = store.window(table, after, days, BATCH)
        step = rules.step(window, after, settled, BATCH)
        if step.delete:
            gone = run_transaction(partial(store.delete, table, step.delete, days))
            rows_purged.labels(table.table).inc(gone)
            total += gone
        settled, more = step.settled, step.more
        if more:
            after = window[-1].key
            pause.wait(REST_SECONDS)
    return total, settled
