"""SQL that measures a lane's backlog, at a cost that does not grow with it."""

from domain.jobs.kinds import Lane
from infra.database import rows

OLDEST_LOOKED_AT = 1_000
"""More than all workers of a lane hold at once: what runs already says nothing of those behind."""

# A key whose earliest job waits for its retry, or for an expired lease to be taken over, says
# nothing of the workers; the others' oldest job does, whether they are at that key or not. Nor
# does one that was begun before: a charge whose outcome came late was not waiting for a worker.
# The order names the key too, as in claim_store.
_OLDEST = """
    SELECT TIMESTAMPDIFF(MICROSECOND, j.accepted_at, NOW(3)) / 1000000
    FROM (SELECT id, queue_key, status, accepted_at, started_at FROM jobs
          WHERE queue_lane = %s ORDER BY id LIMIT %s) j
    WHERE j.status = 'queued' AND j.started_at IS NULL
      AND (SELECT CASE h.status WHEN 'queued' THEN h.due_at IS NULL OR h.due_at <= NOW(3)
                                ELSE h.lease_until > NOW(3) END
           FROM jobs h WHERE h.queue_key = j.queue_key ORDER BY h.queue_key, h.seq, h.id LIMIT 1)
    ORDER BY j.id
    LIMIT 1
"""


def count_unended(lane: Lane, bound: int) -> int:
    """How many jobs of ``lane`` have not ended, counted up to ``bound``: from an index alone."""
    found = rows(
        "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE queue_lane = %s LIMIT %s) counted",
        (str(lane), bound),
    )
    return int(found[0][0])


def oldest_seconds(lane: Lane) -> float:
    """How long the oldest job has waited that nothing but a worker is wanting for; 0 if there is
    none among the first of the lane."""
    found = rows(_OLDEST, (str(lane), OLDEST_LOOKED_AT))
    return max(0.0, float(found[0][0])) if found else 0.0
