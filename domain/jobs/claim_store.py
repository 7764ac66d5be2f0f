"""SQL by which a drain claims and ends jobs. Every move is a compare-and-set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.jobs.kinds import Lane
from infra.database import affected, execute, placeholders, rows


@dataclass(frozen=True, slots=True)
class Claimable:
    """A job row under this transaction's lock."""

    id: int
    uuid: bytes
    kind: str
    user_id: int
    key: str
    """What it queues in: its concurrency key, unless it was parked for too long."""
    seq: int
    payload: str
    accepted_at: datetime
    attempts: int
    traceparent: str | None
    claim_hash: bytes | None
    suspect: int
    lost_alone: int
    status: str
    due: int
    """1 if queued and due, as the database's clock says."""
    expired: int
    """1 if running under a lease that has ended."""
    failing_for: float


def lock_earliest(wanted: dict[str, int]) -> list[Claimable]:
    """Lock the earliest unended jobs of each key, so many at most, in the key's order.

    A row that another transaction has locked ends its key here: it is not waited for, because a
    worker that stands still in its last statement would make everybody stand still.
    """
    if not wanted:
        return []
    one = "(SELECT id, queue_key FROM jobs WHERE queue_key = %s ORDER BY seq, id LIMIT %s)"
    params = [value for pair in wanted.items() for value in pair]
    earliest = rows(" UNION ALL ".join([one] * len(wanted)), params)
    ids = [id_ for id_, _ in earliest]
    if not ids:
        return []
    locked = rows(
        "SELECT id, uuid, kind, user_id, seq, payload, accepted_at, attempts, "
        "traceparent, claim_hash, suspect, lost_alone, status, "
        "status = 'queued' AND (due_at IS NULL OR due_at <= NOW(3)), "
        "status = 'running' AND lease_until <= NOW(3), "
        "COALESCE(TIMESTAMPDIFF(MICROSECOND, failing_since, NOW(3)) / 1000000, 0) "
        f"FROM jobs WHERE id IN ({placeholders(len(ids))}) ORDER BY id "
        "FOR UPDATE SKIP LOCKED",
        ids,
    )
    keys = dict(earliest)
    claimable = {
        row[0]: Claimable(  # type: ignore[call-arg]  # mypy cannot count a slice
            *row[:4], keys[row[0]], *row[4:15], float(row[15])
        )
        for row in locked
    }
    skipped: set[str] = set()
    free: list[Claimable] = []
    for id_, key in earliest:
        if id_ not in claimable:
            skipped.add(key)
        elif key not in skipped:
            free.append(claimable[id_])
    return sorted(free, key=lambda job: (job.seq, job.id))


def lease(ids: Sequence[int], token: bytes, seconds: float) -> int:
    """Give queued jobs to a worker until the database's clock says otherwise."""
    return affected(
        "UPDATE jobs SET status = 'running', lease_token = %s, attempts = attempts + 1, "
        "lease_until = NOW(3) + INTERVAL %s MICROSECOND, due_at = NULL, "
        "started_at = COALESCE(started_at, NOW(3)) "
        f"WHERE status = 'queued' AND id IN ({placeholders(len(ids))})",
        (token, int(seconds * 1_000_000), *ids),
    )


def requeue_expired(ids: Sequence[int]) -> int:
    """Take jobs from a worker that is gone; from now on they run alone until they end.

    A suspect that is lost once more was lost alone, which counts against it.
    """
    return affected(
        "UPDATE jobs SET status = 'queued', lease_token = NULL, lease_until = NULL, "
        "lost_alone = lost_alone + suspect, suspect = 1 "
        f"WHERE status = 'running' AND lease_until <= NOW(3) AND id IN ({placeholders(len(ids))})",
        ids,
    )


def seize(id_: int, token: bytes) -> int:
    """Take a job, under its row lock, from a lease that has expired: its worker is fenced off."""
    return affected(
        "UPDATE jobs SET lease_token = %s WHERE id = %s AND status = 'running' "
        "AND lease_until <= NOW(3)",
        (token, id_),
    )


def count_held(ids: Sequence[int], token: bytes) -> int:
    """How many of these jobs are still leased under ``token``."""
    found = rows(
        f"SELECT COUNT(*) FROM jobs WHERE lease_token = %s AND id IN ({placeholders(len(ids))})",
        (token, *ids),
    )
    return int(found[0][0])


_ENDED = (
    "finished_at = NOW(3), queue_lane = NULL, queue_key = NULL, lease_token = NULL, "
    "lease_until = NULL, failing_since = NULL"
)


def _case(column: str, bodies: Sequence[tuple[int, str]]) -> tuple[str, list[Any]]:
    """``column = CASE id WHEN … THEN … END`` and its parameters."""
    whens = " ".join(["WHEN %s THEN %s"] * len(bodies))
    return f"{column} = CASE id {whens} END", [value for pair in bodies for value in pair]


def end_succeeded(results: Sequence[tuple[int, str]], token: bytes) -> int:
    """Write the results of jobs that are still ours."""
    assignment, params = _case("result", results)
    ids = [id_ for id_, _ in results]
    return affected(
        f"UPDATE jobs SET status = 'succeeded', {assignment}, {_ENDED} "
        f"WHERE lease_token = %s AND id IN ({placeholders(len(ids))})",
        (*params, token, *ids),
    )


def end_failed(errors: Sequence[tuple[int, str]], token: bytes, by_system: bool = False) -> int:
    """Write the problems of jobs that are still ours."""
    assignment, params = _case("error", errors)
    ids = [id_ for id_, _ in errors]
    return affected(
        f"UPDATE jobs SET status = 'failed', {assignment}, system_failure = %s, {_ENDED} "
        f"WHERE lease_token = %s AND id IN ({placeholders(len(ids))})",
        (*params, 1 if by_system else None, token, *ids),
    )


def put_back(id_: int, token: bytes, seconds: float, count_attempt: bool) -> int:
    """Return a job to its key, due in ``seconds``; it holds back the later ones meanwhile."""
    return affected(
        "UPDATE jobs SET status = 'queued', lease_token = NULL, lease_until = NULL, "
        "due_at = NOW(3) + INTERVAL %s MICROSECOND, attempts = attempts - %s, "
        "failing_since = COALESCE(failing_since, NOW(3)) WHERE lease_token = %s AND id = %s",
        (int(seconds * 1_000_000), 0 if count_attempt else 1, token, id_),
    )


def give_back(ids: Sequence[int], token: bytes) -> int:
    """Return jobs that were not tried to their keys, due at once and without an attempt."""
    if not ids:
        return 0
    return affected(
        "UPDATE jobs SET status = 'queued', lease_token = NULL, lease_until = NULL, "
        f"attempts = attempts - 1 WHERE lease_token = %s AND id IN ({placeholders(len(ids))})",
        (token, *ids),
    )


def free_claims(claims: Sequence[tuple[bytes, bytes]]) -> None:
    """Free the transactionIds of failed jobs: pairs of claim hash and the job's UUID."""
    if claims:
        # By the hashes too: for pairs of which an index knows one half, MariaDB reads (and locks)
        # the whole table.
        execute(
            f"DELETE FROM idempotency_keys WHERE hash IN ({placeholders(len(claims))}) "
            f"AND (hash, job_uuid) IN ({placeholders(len(claims), '(%s,%s)')})",
            [*(hash_ for hash_, _ in claims), *(value for pair in claims for value in pair)],
        )


def lane_has_work(lane: Lane) -> bool:
    """Whether ``lane`` has a job that is due, or one whose lease has expired."""
    return bool(
        rows(
            "SELECT 1 FROM jobs WHERE queue_lane = %s AND (CASE status WHEN 'queued' "
            "THEN due_at IS NULL OR due_at <= NOW(3) ELSE lease_until <= NOW(3) END) LIMIT 1",
            (str(lane),),
        )
    )
