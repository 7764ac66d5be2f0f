"""SQL by which a drain sees the oldest waiting jobs of its lane that it may do."""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.jobs.kinds import Lane
from domain.jobs.rules import Waiting
from infra.database import placeholders, rows, several

# A key is runnable when its earliest unended job is queued and due, or runs under a lease that has
# expired: one short look-up in jobs_waiting_in_key. MySQL sorts all the jobs of the key, unless the
# order names the index's first column too.
_RUNNABLE = """
    (SELECT CASE h.status WHEN 'queued' THEN h.due_at IS NULL OR h.due_at <= NOW(3)
                          ELSE h.lease_until <= NOW(3) END
     FROM jobs h WHERE h.queue_key = w.queue_key ORDER BY h.queue_key, h.seq, h.id LIMIT 1)
"""
# Estimates are of no use to a table of which all but some hundred rows have ended, and those others
# a second later: without a word, the server may walk through the ended ones.
_WAITING = (
    "FROM jobs w FORCE INDEX (jobs_waiting_in_lane) WHERE w.queue_lane = %s {left_out} {runnable} "
    "ORDER BY w.queue_lane, w.id LIMIT %s"
)
_FIELDS = "SELECT w.id, w.queue_key, w.kind, w.suspect "
_KEYS = (
    "SELECT w.queue_key FROM "
    f"(SELECT DISTINCT o.queue_key FROM (SELECT w.queue_key {_WAITING}) o) w WHERE {_RUNNABLE}"
)


def window(lane: Lane, size: int, left_out: Iterable[str] = ()) -> list[Waiting]:
    """The oldest waiting jobs of runnable keys, without the keys ``left_out``.

    Each key is looked at once. Asked job by job, the look at a hot key costs as much as the jobs
    that have just ended in it, whose places in the index the server has yet to clear away. Only
    where others' jobs fill the window must the next ones be searched for like that.
    """
    keys = list(left_out)
    clause = f"AND w.queue_key NOT IN ({placeholders(len(keys))})" if keys else ""
    oldest, able = _look(clause, (str(lane), *keys, size), apart=bool(keys))
    found = [row for row in oldest if row[1] in able]
    if len(oldest) == size and len(found) < size:
        search = _FIELDS + _WAITING.format(left_out=clause, runnable=f"AND {_RUNNABLE}")
        found = rows(search, (str(lane), *keys, size))
    return [Waiting(id_, key, kind, bool(suspect)) for id_, key, kind, suspect in found]


def _look(
    clause: str, params: Sequence[object], apart: bool
) -> tuple[list[tuple[Any, ...]], set[str]]:
    """The oldest jobs, and which of their keys are runnable.

    ``apart``: behind the keys that are left out there is often nothing, and many of their jobs are
    passed to see that; nothing need be asked of the keys then.
    """
    oldest = _FIELDS + _WAITING.format(left_out=clause, runnable="")
    keys = _KEYS.format(left_out=clause, runnable="")
    if apart:
        found = rows(oldest, params)
        runnable = rows(keys, params) if found else []
    else:
        found, runnable = several((oldest, params), (keys, params))
    return found, {key for (key,) in runnable}
