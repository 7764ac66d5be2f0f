"""SQL by which a drain sees the oldest waiting jobs of its lane that it may do."""

from collections.abc import Iterable

from domain.jobs.kinds import Lane
from domain.jobs.rules import Waiting
from infra.database import placeholders, rows

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
_OLDEST = """
    SELECT w.id, w.queue_key, w.kind, w.suspect
    FROM jobs w FORCE INDEX (jobs_waiting_in_lane)
    WHERE w.queue_lane = %s {left_out} {runnable}
    ORDER BY w.queue_lane, w.id
    LIMIT %s
"""
# One statement, and so one moment: a key that is judged after its jobs were read may be runnable
# because of another one, and would be taken, and left again, for jobs that have ended meanwhile.
_LOOK = f"""
    SELECT o.id, o.queue_key, o.kind, o.suspect, k.queue_key IS NOT NULL
    FROM ({_OLDEST}) o
    LEFT JOIN (
        SELECT w.queue_key FROM (SELECT DISTINCT d.queue_key FROM ({_OLDEST}) d) w
        WHERE {_RUNNABLE}
    ) k ON k.queue_key = o.queue_key
    ORDER BY o.id
"""


def window(lane: Lane, size: int, left_out: Iterable[str] = ()) -> list[Waiting]:
    """The oldest waiting jobs of runnable keys, without the keys ``left_out``.

    Each key is looked at once. Asked job by job, the look at a hot key costs as much as the jobs
    that have just ended in it, whose places in the index the server has yet to clear away. Only
    where jobs that may not be done fill the window must the next ones be searched for like that.
    """
    keys = list(left_out)
    clause = f"AND w.queue_key NOT IN ({placeholders(len(keys))})" if keys else ""
    params = (str(lane), *keys, size)
    oldest = rows(_LOOK.format(left_out=clause, runnable=""), params * 2)
    found = [row[:4] for row in oldest if row[4]]
    if len(oldest) == size and len(found) < size:
        found = rows(_OLDEST.format(left_out=clause, runnable=f"AND {_RUNNABLE}"), params)
    return [Waiting(id_, key, kind, bool(suspect)) for id_, key, kind, suspect in found]
