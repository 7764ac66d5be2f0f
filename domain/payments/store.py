"""SQL of ``payment_requests``: one row a charge that was asked for; it moves by compare-and-set."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.jobs.kinds import Job
from domain.payments.rules import Payment, Status
from infra.database import affected, execute, placeholders, rows


def insert(jobs: Sequence[Job], hold_seconds: float) -> None:
    """Ask for these charges from now on; each holds its key for so long at most."""
    params: list[object] = []
    for job in jobs:
        params += [
            job.id, job.uuid.bytes, job.user_id, job.payload["amount"],
            job.payload.get("paymentMethod"), int(hold_seconds * 1_000_000),
        ]
    execute(
        "INSERT INTO payment_requests (job_id, job_uuid, user_id, amount, payment_method, "
        "held_until, next_attempt_at, created_at) VALUES "
        + placeholders(
            len(jobs), "(%s,%s,%s,%s,%s, NOW(3) + INTERVAL %s MICROSECOND, NOW(3), NOW(3))"
        ),
        params,
    )


def standing(job_ids: Sequence[int]) -> dict[int, tuple[Status, str | None]]:
    """Status and reason of those of the jobs that were asked for."""
    found = rows(
        "SELECT job_id, status, reason FROM payment_requests "
        f"WHERE job_id IN ({placeholders(len(job_ids))})",
        job_ids,
    )
    return {job_id: (Status(status), reason) for job_id, status, reason in found}


def booked(job_ids: Sequence[int]) -> int:
    """These approved payments are booked in this transaction. Returns how many were approved."""
    return affected(
        "UPDATE payment_requests SET status = 'booked' "
        f"WHERE status = 'approved' AND job_id IN ({placeholders(len(job_ids))})",
        job_ids,
    )


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request that this asker may make while its lease lasts; ``attempts`` before this one."""

    job_id: int
    payment: Payment
    status: Status
    attempts: int


def due(limit: int) -> list[int]:
    """Requests whose time has come, or whose asker let its lease run out."""
    found = rows(
        "SELECT job_id FROM payment_requests WHERE next_attempt_at <= NOW(3) "
        "ORDER BY next_attempt_at LIMIT %s",
        (limit,),
    )
    return sorted(job_id for (job_id,) in found)


def claim(token: bytes, job_ids: Sequence[int], seconds: float) -> list[Claimed]:
    """Take a lease of ``seconds`` on those of the requests that nobody took before us."""
    within = placeholders(len(job_ids))
    taken = affected(
        "UPDATE payment_requests SET lease_token = %s, "
        "next_attempt_at = NOW(3) + INTERVAL %s MICROSECOND "
        f"WHERE job_id IN ({within}) AND next_attempt_at <= NOW(3)",
        (token, int(seconds * 1_000_000), *job_ids),
    )
    if not taken:
        return []
    found = rows(
        "SELECT job_id, job_uuid, user_id, amount, payment_method, status, attempts "
        f"FROM payment_requests WHERE job_id IN ({within}) AND lease_token = %s",
        (*job_ids, token),
    )
    return [
        Claimed(job_id, Payment(UUID(bytes=uuid), user_id, amount, method), Status(status), tries)
        for job_id, uuid, user_id, amount, method, status, tries in found
    ]


@dataclass(frozen=True, slots=True)
class Decided:
    """What the provider said of a request, for good."""

    job_id: int
    status: Status
    reason: str | None = None
    provider_id: str | None = None


def decide(decided: Sequence[Decided]) -> list[int]:
    """Keep verdicts. Returns the jobs that were still waiting for one: a fact is a fact, whoever
    has asked, so no lease is looked at."""
    ids = sorted(one.job_id for one in decided)
    found = rows(
        "SELECT job_id FROM payment_requests WHERE status = 'asking' "
        f"AND job_id IN ({placeholders(len(ids))}) ORDER BY job_id FOR UPDATE",
        ids,
    )
    waiting = {job_id for (job_id,) in found}
    news = [one for one in decided if one.job_id in waiting]
    if news:
        verdict = "SELECT %s AS job_id, %s AS status, %s AS reason, %s AS provider_id"
        params: list[object] = []
        for one in news:
            params += [one.job_id, str(one.status), one.reason, one.provider_id]
        execute(
            f"UPDATE payment_requests r JOIN ({' UNION ALL '.join([verdict] * len(news))}) v "
            "ON r.job_id = v.job_id SET r.status = v.status, r.reason = v.reason, "
            "r.provider_id = v.provider_id, r.attempts = r.attempts + 1, r.decided_at = NOW(3), "
            "r.next_attempt_at = NULL, r.held_until = NULL, r.lease_token = NULL",
            params,
        )
    return [one.job_id for one in news]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call that brought no verdict; ``delay`` in seconds until the next one."""

    job_id: int
    error: str
    delay: float


def again(token: bytes, unknown: Sequence[Unknown]) -> int:
    """Have these asked for again. Returns how many were still ours."""
    news = "SELECT %s AS job_id, %s AS error, %s AS delay"
    params: list[object] = []
    for one in unknown:
        params += [one.job_id, one.error, int(one.delay * 1_000_000)]
    return affected(
        f"UPDATE payment_requests r JOIN ({' UNION ALL '.join([news] * len(unknown))}) n "
        "ON r.job_id = n.job_id SET r.attempts = r.attempts + 1, r.last_error = n.error, "
        "r.next_attempt_at = NOW(3) + INTERVAL n.delay MICROSECOND, r.lease_token = NULL "
        "WHERE r.lease_token = %s",
        (*params, token),
    )


def voided(job_ids: Sequence[int]) -> int:
    """The provider has given these back. Returns how many waited for that."""
    return affected(
        "UPDATE payment_requests SET status = 'voided', attempts = attempts + 1, "
        "next_attempt_at = NULL, lease_token = NULL "
        f"WHERE status = 'voiding' AND job_id IN ({placeholders(len(job_ids))})",
        job_ids,
    )


def release(token: bytes, job_ids: Sequence[int]) -> int:
    """Give leases back unused: another asker may ask for these now."""
    return affected(
        "UPDATE payment_requests SET next_attempt_at = NOW(3), lease_token = NULL "
        f"WHERE lease_token = %s AND job_id IN ({placeholders(len(job_ids))})",
        (token, *job_ids),
    )


def overdue(limit: int) -> list[int]:
    """Jobs that have held their key for as long as they may."""
    found = rows(
        "SELECT job_id FROM payment_requests WHERE held_until <= NOW(3) "
        "ORDER BY held_until LIMIT %s",
        (limit,),
    )
    return sorted(job_id for (job_id,) in found)


def end_holds(job_ids: Sequence[int]) -> int:
    """These hold their key no longer."""
    return affected(
        "UPDATE payment_requests SET held_until = NULL "
        f"WHERE held_until <= NOW(3) AND job_id IN ({placeholders(len(job_ids))})",
        job_ids,
    )


def approved_in_vain(limit: int) -> list[int]:
    """Approved payments whose job has ended without booking them."""
    found = rows(
        "SELECT r.job_id FROM payment_requests r JOIN jobs j ON j.id = r.job_id "
        "WHERE r.status = 'approved' AND j.finished_at IS NOT NULL LIMIT %s",
        (limit,),
    )
    return sorted(job_id for (job_id,) in found)


def give_back(job_ids: Sequence[int]) -> int:
    """Have approved payments voided at the provider."""
    return affected(
        "UPDATE payment_requests SET status = 'voiding', attempts = 0, next_attempt_at = NOW(3) "
        f"WHERE status = 'approved' AND job_id IN ({placeholders(len(job_ids))})",
        job_ids,
    )


def waiting(limit: int) -> int:
    """How many requests have no outcome yet, counted to ``limit``."""
    [(count,)] = rows(
        "SELECT COUNT(*) FROM (SELECT 1 FROM payment_requests "
        "WHERE next_attempt_at IS NOT NULL LIMIT %s) unended",
        (limit,),
    )
    return int(count)
