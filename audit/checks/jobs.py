"""Invariant 1: every answered 202 has its job, every job ends, and effects and jobs pair up.

Ended jobs are purged after their retention, so an effect older than that may miss its job; those
that a transactionId names are kept for ever. Seeded orders (``job_id`` NULL) never had one.

A charge that the payment provider is asked for is parked: it runs without a lease and in no lane,
and once it has held back the later ones of its user for long enough in no key either. When its
outcome is known it queues again, then in a key of its own.

A job that has not ended is under way. It is stuck when it stands first in its key, nobody holds
its lease, and it has been due for over a minute. The later ones of a key wait for the first.
"""

from audit.rules import Invariant, Rule

_STATES = (
    Rule(
        "job-state",
        """
        SELECT uuid AS job, kind, status FROM jobs
        WHERE status NOT IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')
           OR (status IN ('queued', 'running')) <> (finished_at IS NULL)
           OR (status = 'succeeded') <> (result IS NOT NULL)
           OR (status = 'failed') <> (error IS NOT NULL)
        """,
        "job {job} ({kind}) is {status}, but its end, result and error do not go with that",
    ),
    Rule(
        "job-error",
        """
        SELECT uuid AS job, kind FROM jobs
        WHERE status = 'failed' AND error IS NOT NULL
          AND CASE WHEN JSON_VALID(error) THEN JSON_VALUE(error, '$.code') END IS NULL
        """,
        "job {job} ({kind}) failed with an error that is no problem with a code",
    ),
    Rule(
        "job-findable",
        """
        SELECT uuid AS job, kind, status, queue_lane AS lane, queue_key AS queueKey FROM jobs
        WHERE CASE WHEN status IN ('queued', 'running')
                   THEN NOT (
                       (queue_lane IS NOT NULL AND queue_key <=> concurrency_key)
                       OR (queue_lane IS NOT NULL AND queue_key <=> CONCAT('job:', id)
                           AND EXISTS (SELECT 1 FROM payment_requests r WHERE r.job_id = jobs.id))
                       OR (queue_lane IS NULL AND status = 'running'
                           AND EXISTS (SELECT 1 FROM payment_requests r WHERE r.job_id = jobs.id
                                       AND r.status = 'asking'
                                       AND queue_key <=> IF(r.held_until IS NULL, NULL,
                                                            concurrency_key))))
                   ELSE queue_lane IS NOT NULL OR queue_key IS NOT NULL END
        """,
        "job {job} ({kind}) is {status}, but stands in lane {lane} and key {queueKey}",
    ),
    Rule(
        "job-lease",
        """
        SELECT uuid AS job, kind, status FROM jobs
        WHERE CASE WHEN status = 'running'
                   THEN (lease_token IS NULL OR lease_until IS NULL)
                    AND NOT (lease_token IS NULL AND lease_until IS NULL
                             AND EXISTS (SELECT 1 FROM payment_requests r WHERE r.job_id = jobs.id
                                         AND r.status = 'asking'))
                   ELSE lease_token IS NOT NULL OR lease_until IS NOT NULL END
        """,
        "job {job} ({kind}) is {status}, which its lease contradicts",
    ),
    Rule(
        "job-stuck",
        """
        SELECT j.uuid AS job, j.kind, j.status, j.concurrency_key AS concurrencyKey,
               TIMESTAMPDIFF(SECOND, j.accepted_at, %(now)s) AS seconds
        FROM jobs j
        WHERE j.queue_key IS NOT NULL
          AND GREATEST(j.accepted_at, COALESCE(j.due_at, j.accepted_at)) < %(over_age)s
          AND NOT COALESCE(j.status = 'running' AND j.lease_until > %(now)s, FALSE)
          AND NOT EXISTS (SELECT 1 FROM payment_requests r WHERE r.job_id = j.id
                          AND (r.held_until >= %(over_age)s OR r.decided_at >= %(over_age)s))
          AND j.id = (SELECT h.id FROM jobs h WHERE h.queue_key = j.queue_key
                      ORDER BY h.seq, h.id LIMIT 1)
        """,
        "job {job} ({kind}) is still {status} {seconds} s after its acceptance, held by nobody, "
        "first of {concurrencyKey}",
    ),
)

_EFFECTS_WITHOUT_JOB = (
    Rule(
        "order-without-job",
        """
        SELECT o.id AS orderId, o.job_id AS jobRow FROM orders o LEFT JOIN jobs j ON j.id = o.job_id
        WHERE o.job_id IS NOT NULL
          AND IF(j.id IS NULL, o.created_at >= %(kept_since)s,
                 NOT (j.kind = 'order.place' AND j.status = 'succeeded'
                      AND j.user_id = o.user_id))
        """,
        "order {orderId} has no succeeded order.place job of its user (row {jobRow})",
    ),
    Rule(
        "cancel-without-job",
        """
        SELECT o.id AS orderId, o.cancel_job_id AS jobRow
        FROM orders o LEFT JOIN jobs j ON j.id = o.cancel_job_id
        WHERE (o.status = 'CANCELLED' OR o.cancel_job_id IS NOT NULL)
          AND (o.cancel_job_id IS NULL OR o.status <> 'CANCELLED'
               OR IF(j.id IS NULL, o.cancelled_at >= %(kept_since)s,
                     NOT (j.kind = 'order.cancel' AND j.status = 'succeeded'
                          AND j.user_id = o.user_id)))
        """,
        "order {orderId}: its cancelling has no succeeded order.cancel job (row {jobRow})",
    ),
    Rule(
        "coupon-without-job",
        """
        SELECT c.id AS userCouponId, c.coupon_id AS couponId, c.user_id AS userId,
               c.job_id AS jobRow
        FROM user_coupons c LEFT JOIN jobs j ON j.id = c.job_id
        WHERE c.job_id IS NULL
           OR IF(j.id IS NULL, c.issued_at >= %(kept_since)s,
                 NOT (j.kind = 'coupon.issue' AND j.status = 'succeeded' AND j.seq <=> c.seq
                      AND j.user_id = c.user_id
                      AND j.concurrency_key = CONCAT('coupon:', c.coupon_id)))
        """,
        "user coupon {userCouponId} (coupon {couponId}, user {userId}) has no succeeded "
        "coupon.issue job (row {jobRow})",
    ),
    Rule(
        "charge-without-job",
        """
        SELECT h.id AS historyId, h.user_id AS userId, h.job_id AS jobRow
        FROM balance_history h LEFT JOIN jobs j ON j.id = h.job_id
        WHERE h.kind = 'charge'
          AND (h.job_id IS NULL
               OR IF(j.id IS NULL, h.reference IS NOT NULL OR h.created_at >= %(kept_since)s,
                     NOT (j.kind = 'balance.charge' AND j.status = 'succeeded'
                          AND j.user_id = h.user_id)))
        """,
        "charge {historyId} of user {userId} has no succeeded balance.charge job (row {jobRow})",
    ),
    # Within each kind of effect: that their kind is their job's is the rule of those above.
    Rule(
        "two-effects",
        """
        SELECT job_id AS jobRow, COUNT(*) AS effects FROM orders
        WHERE job_id IS NOT NULL GROUP BY job_id HAVING COUNT(*) > 1
        UNION ALL SELECT cancel_job_id, COUNT(*) FROM orders
        WHERE cancel_job_id IS NOT NULL GROUP BY cancel_job_id HAVING COUNT(*) > 1
        UNION ALL SELECT job_id, COUNT(*) FROM user_coupons
        WHERE job_id IS NOT NULL GROUP BY job_id HAVING COUNT(*) > 1
        UNION ALL SELECT job_id, COUNT(*) FROM balance_history
        WHERE job_id IS NOT NULL GROUP BY job_id HAVING COUNT(*) > 1
        """,
        "the job in row {jobRow} has {effects} effects",
    ),
)


def _done(kind: str, effect: str, members: dict[str, str]) -> Rule:
    """A succeeded job of ``kind`` has its ``effect`` (a LEFT JOIN ``e`` on ``j``), as answered."""
    answered = " AND ".join(
        f"{column} <=> CAST(JSON_VALUE(j.result, '$.{member}') AS SIGNED)"
        for member, column in members.items()
    )
    return Rule(
        f"done-{kind}",
        f"""
        SELECT j.uuid AS job, j.kind, e.id AS effect FROM jobs j LEFT JOIN {effect}
        WHERE j.kind = '{kind}' AND j.status = 'succeeded'
          AND (e.id IS NULL OR NOT CASE WHEN JSON_VALID(j.result) THEN {answered} ELSE FALSE END)
        """,
        "job {job} ({kind}) succeeded, but its effect (row {effect}) is missing or is not what "
        "it answered",
    )


_JOBS_WITHOUT_EFFECT = (
    _done(
        "order.place",
        "orders e ON e.job_id = j.id",
        {"orderId": "e.id", "finalAmount": "e.final_amount"},
    ),
    _done("order.cancel", "orders e ON e.cancel_job_id = j.id", {"orderId": "e.id"}),
    _done(
        "coupon.issue",
        "user_coupons e ON e.coupon_id = CAST(SUBSTRING(j.concurrency_key, 8) AS SIGNED) "
        "AND e.user_id = j.user_id AND e.job_id = j.id",
        {"userCouponId": "e.id", "couponId": "e.coupon_id"},
    ),
    _done(
        "balance.charge",
        "balance_history e ON e.job_id = j.id AND e.kind = 'charge'",
        {
            "chargedAmount": "e.amount", "previousBalance": "e.previous_balance",
            "currentBalance": "e.current_balance", "userId": "e.user_id",
        },
    ),
)

_KEYS = (
    # The job's UUIDv7 tells when a key was claimed: from that instant its job is kept.
    # A key of what was done at once holds its answer, and has no job.
    Rule(
        "key-without-job",
        """
        SELECT k.job_uuid AS job, HEX(k.hash) AS keyHash
        FROM idempotency_keys k LEFT JOIN jobs j ON j.uuid = k.job_uuid
        WHERE j.id IS NULL AND k.answer IS NULL
          AND (k.expires_at IS NULL
               OR (k.expires_at > %(now)s
                   AND FROM_UNIXTIME(CONV(HEX(LEFT(k.job_uuid, 6)), 16, 10) / 1000)
                       >= %(kept_since)s))
        """,
        "a key was answered with job {job}, which does not exist (key {keyHash})",
    ),
    Rule(
        "transaction-id",
        """
        SELECT j.uuid AS job, j.status FROM jobs j
        LEFT JOIN idempotency_keys k ON k.hash = j.claim_hash AND k.job_uuid = j.uuid
        WHERE j.claim_hash IS NOT NULL
          AND (j.status IN ('failed', 'cancelled')) = (k.hash IS NOT NULL)
        """,
        "job {job} is {status}, and its transactionId is not claimed (or freed) as it should be",
    ),
)

_RETRIES = (
    # What is done again had no effect; a UUIDv7 tells when its job was accepted, since when it is
    # kept.
    Rule(
        "retry",
        """
        SELECT r.uuid AS job, r.kind, r.retry_of AS failed
        FROM jobs r LEFT JOIN jobs f ON f.uuid = r.retry_of
        WHERE r.retry_of IS NOT NULL
          AND IF(f.id IS NULL,
                 FROM_UNIXTIME(CONV(HEX(LEFT(r.retry_of, 6)), 16, 10) / 1000) >= %(kept_since)s,
                 NOT (f.status = 'failed' AND f.system_failure <=> 1 AND f.kind = r.kind
                      AND f.user_id = r.user_id AND f.concurrency_key = r.concurrency_key
                      AND f.id < r.id))
        """,
        "job {job} ({kind}) does {failed} again, which is not there, is not the same, or did not "
        "fail for a system reason",
    ),
    Rule(
        "retried-twice",
        """
        SELECT retry_of AS job, COUNT(*) AS retries FROM jobs
        WHERE retry_of IS NOT NULL GROUP BY retry_of HAVING COUNT(*) > 1
        """,
        "job {job} was done again {retries} times",
    ),
)

JOBS = Invariant(
    1,
    "Jobs",
    examined={
        "jobs": "SELECT COUNT(*) FROM jobs",
        "keys": "SELECT COUNT(*) FROM idempotency_keys",
    },
    rules=(*_STATES, *_EFFECTS_WITHOUT_JOB, *_JOBS_WITHOUT_EFFECT, *_KEYS, *_RETRIES),
    under_way={
        "jobsQueued": "SELECT COUNT(*) FROM jobs WHERE status = 'queued'",
        "jobsRunning": "SELECT COUNT(*) FROM jobs WHERE status = 'running'",
        "jobsOldestSeconds": "SELECT TIMESTAMPDIFF(SECOND, MIN(accepted_at), %(now)s) FROM jobs "
        "WHERE queue_lane IS NOT NULL",
    },
)
