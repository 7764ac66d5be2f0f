"""SQL of parked jobs: ``running`` without a lease, and in no lane, so that no worker holds them or
comes across them.

As the earliest unended job of its key, a parked one holds the key like one that another worker
runs.
"""

from collections.abc import Sequence

from domain.jobs.kinds import Lane
from infra.database import affected, placeholders


def park(ids: Sequence[int], token: bytes) -> int:
    """Take jobs that are still ours out of the worker's hands; what they wait for is no failure."""
    return affected(
        "UPDATE jobs SET queue_lane = NULL, lease_token = NULL, lease_until = NULL, "
        "failing_since = NULL "
        f"WHERE lease_token = %s AND id IN ({placeholders(len(ids))})",
        (token, *ids),
    )


def resume(ids: Sequence[int], lane: Lane) -> int:
    """Queue parked jobs again, at their place; one that was let go queues in a key of its own."""
    return affected(
        "UPDATE jobs SET status = 'queued', queue_lane = %s, "
        "queue_key = COALESCE(queue_key, CONCAT('job:', id)) "
        f"WHERE status = 'running' AND lease_token IS NULL AND id IN ({placeholders(len(ids))})",
        (str(lane), *ids),
    )


def let_go(ids: Sequence[int]) -> int:
    """Take parked jobs out of their key, so that they hold back nobody."""
    return affected(
        "UPDATE jobs SET queue_key = NULL "
        "WHERE status = 'running' AND lease_token IS NULL AND queue_key IS NOT NULL "
        f"AND id IN ({placeholders(len(ids))})",
        ids,
    )
