"""SQL by which the intake claims keys and inserts jobs, many requests in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from domain.jobs.kinds import Admission, Claim, Command, Kinds
from infra.database import end_with, execute, placeholders, rows, several
from infra.settings import settings


def claim_keys(claims: Sequence[tuple[Claim, UUID]]) -> dict[bytes, tuple[UUID, bytes]]:
    """Claim each key for its job unless it is taken; tell whose it is: hash → job, fingerprint.

    The unique index decides between simultaneous requests: the insert waits for one that is not
    committed yet. Sorted, so that two batches never wait for each other in a circle.
    """
    first: dict[bytes, tuple[Claim, UUID]] = {}
    for claim, uuid in claims:
        first.setdefault(claim.hash, (claim, uuid))
    if not first:
        return {}
    # As long as the job that it names; the contract promises 24 hours at least.
    days = settings().retention_days
    params: list[object] = []
    for hash_ in sorted(first):
        claim, uuid = first[hash_]
        params += [hash_, uuid.bytes, claim.fingerprint, None if claim.until_failure else days]
    _, found = several(
        (
            "INSERT INTO idempotency_keys (hash, job_uuid, body_hash, expires_at) VALUES "
            + placeholders(len(first), "(%s,%s,%s, NOW(3) + INTERVAL %s DAY)")
            + " ON DUPLICATE KEY UPDATE hash = hash",
            params,
        ),
        (
            "SELECT hash, job_uuid, body_hash FROM idempotency_keys "
            f"WHERE hash IN ({placeholders(len(first))})",
            list(first),
        ),
    )
    return {hash_: (UUID(bytes=uuid), fingerprint) for hash_, uuid, fingerprint in found}


def any_known(hashes: Sequence[bytes]) -> bool:
    """Whether one of these keys names a job already."""
    return bool(
        rows(
            "SELECT 1 FROM idempotency_keys "
            f"WHERE hash IN ({placeholders(len(hashes))}) LIMIT 1",
            hashes,
        )
    )


def drop_claims(claims: Iterable[tuple[Claim, UUID]]) -> None:
    """Forget claims that this transaction made for requests that became no job."""
    for claim, uuid in claims:
        execute(
            "DELETE FROM idempotency_keys WHERE hash = %s AND job_uuid = %s",
            (claim.hash, uuid.bytes),
        )


def repoint_claims(claims: Iterable[tuple[Claim, UUID, UUID]]) -> None:
    """Point claims that this transaction made at the job that their request repeats."""
    for claim, uuid, repeated in claims:
        execute(
            "UPDATE idempotency_keys SET job_uuid = %s WHERE hash = %s AND job_uuid = %s",
            (repeated.bytes, claim.hash, uuid.bytes),
        )


def commit_jobs(
    jobs: Sequence[tuple[UUID, Command, Admission]], accepted_at: datetime, kinds: Kinds
) -> None:
    """Insert jobs in the order in which they were asked for, and commit the transaction."""
    params: list[object] = []
    for uuid, command, admission in jobs:
        lane = str(kinds[command.kind].lane)
        # A retry's payload is the failed job's: it keeps its version, and what was noted then.
        payload = orjson.dumps({"v": 1, **admission.payload, **command.payload}).decode()
        held = next((claim.hash for claim in command.claims if claim.until_failure), None)
        params += [
            uuid.bytes, command.kind, command.user_id, command.caller_id, command.concurrency_key,
            lane, command.concurrency_key, admission.seq, payload, accepted_at, held,
            command.retry_of.bytes if command.retry_of else None, command.traceparent,
        ]
    end_with(
        "INSERT INTO jobs (uuid, kind, user_id, caller_id, concurrency_key, queue_lane, queue_key, "
        "seq, payload, accepted_at, claim_hash, retry_of, traceparent) VALUES "
        + placeholders(len(jobs), f"({placeholders(13)})"),
        params,
    )


def committed(uuids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Which of these jobs exist, with their times, once all that may insert them have ended.

    A locking read: it waits for a commit whose answer was lost instead of missing it. One that the
    server has not begun is not waited for: its connection is to be killed before.
    """
    found = rows(
        f"SELECT uuid, accepted_at FROM jobs WHERE uuid IN ({placeholders(len(uuids))}) FOR UPDATE",
        [uuid.bytes for uuid in uuids],
    )
    return {UUID(bytes=uuid): accepted_at for uuid, accepted_at in found}
