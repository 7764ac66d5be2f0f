"""Which rows may go. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Kept:
    """A table whose rows are kept for some days after they ended, and then thrown away.

    ``born`` grows with ``key``, near enough; ``ended`` is NULL until a row's end; ``for_ever`` is
    the SQL condition of rows that stay.
    """

    table: str
    key: str
    born: str
    ended: str
    for_ever: str


JOBS = Kept(
    "jobs", "id", "accepted_at", "finished_at", "claim_hash IS NOT NULL AND status = 'succeeded'"
)
"""A claim that stays with a succeeded job is a transactionId: it names its job for ever. A job that
failed or was cancelled has freed it."""
EVENTS = Kept("outbox_events", "id", "created_at", "published_at", "FALSE")
EXPORTS = Kept("order_exports", "position", "created_at", "synced_at", "FALSE")
NOTICES = Kept("restock_mails", "id", "created_at", "ended_at", "FALSE")
TABLES = (JOBS, EVENTS, EXPORTS, NOTICES)


class Row(NamedTuple):
    """One row of a window: ``old`` enough to be born, and to have ended, before the cut-off."""

    key: int
    born_before: int
    ended_before: int
    for_ever: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a window of rows calls for."""

    delete: list[int]
    settled: int
    """Up to this key nothing will ever be left to delete: the next purge may begin behind it."""
    more: bool
    """Whether later rows may be old enough too."""


def step(window: Sequence[Row], after: int, settled: int, size: int) -> Step:
    """Judge a window of at most ``size`` rows, in key order, that begins behind ``after``.

    ``settled`` is as the window before left it, or ``after`` for the first one.
    """
    delete = [row.key for row in window if row.ended_before and not row.for_ever]
    if settled == after:
        for row in window:
            if not row.ended_before:
                break
            settled = row.key
    return Step(delete, settled, len(window) == size and bool(window[-1].born_before))
