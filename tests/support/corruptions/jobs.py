"""Jobs, and effects that do not pair up with them."""

from tests.support.corruptions.shape import Corruption, unique

_ISSUE = "concurrency_key = 'coupon:5' AND seq ="

JOBS = (
    Corruption(
        "UPDATE jobs SET finished_at = NULL WHERE kind = 'order.place' AND status = 'cancelled'",
        {1: {"job-state"}},
    ),
    Corruption(
        "UPDATE jobs SET status = 'lost' WHERE kind = 'order.place' AND status = 'cancelled'",
        {1: {"job-state"}},
    ),
    Corruption(
        "UPDATE jobs SET result = '{}' WHERE kind = 'order.place' AND status = 'failed'",
        {1: {"job-state"}},
    ),
    Corruption(
        "UPDATE jobs SET error = 'no problem' WHERE kind = 'order.place' AND status = 'failed'",
        {1: {"job-error"}},
    ),
    Corruption(
        "UPDATE jobs SET queue_lane = NULL WHERE status = 'queued' AND user_id = 5",
        {1: {"job-findable"}},
    ),
    Corruption(
        "UPDATE jobs SET queue_key = 'user:6' WHERE status = 'queued' AND user_id = 5",
        {1: {"job-findable"}},
    ),
    Corruption(
        "UPDATE jobs SET lease_token = NULL WHERE status = 'running'", {1: {"job-lease"}}
    ),
    Corruption(
        "UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND "
        "WHERE status = 'running' AND user_id = 4",
        {1: {"job-stuck"}},
    ),
    Corruption(
        "UPDATE jobs SET lease_token = uuid WHERE status = 'running' AND user_id = 3",
        {1: {"job-lease"}, 3: {"payment-job"}},
    ),
    Corruption(
        "UPDATE jobs SET queue_key = NULL WHERE status = 'running' AND user_id = 3",
        {1: {"job-findable"}},
    ),
    Corruption(
        "UPDATE jobs SET queue_key = concurrency_key WHERE status = 'running' AND user_id = 2",
        {1: {"job-findable", "job-stuck"}},
    ),
    Corruption(
        "UPDATE jobs SET queue_lane = 'users', queue_key = CONCAT('job:', id) "
        "WHERE status = 'queued' AND user_id = 5",
        {1: {"job-findable"}},
    ),
    Corruption(
        "UPDATE payment_requests SET held_until = NOW(3) - INTERVAL 61 SECOND "
        "WHERE held_until IS NOT NULL",
        {1: {"job-stuck"}},
    ),
    Corruption(
        "UPDATE jobs SET accepted_at = accepted_at - INTERVAL 61 SECOND "
        "WHERE status = 'queued' AND user_id = 5",
        {1: {"job-stuck"}},
    ),
    Corruption(
        "DELETE FROM jobs WHERE kind = 'order.place' AND user_id = 1", {1: {"order-without-job"}}
    ),
    Corruption(
        "UPDATE jobs SET status = 'cancelled', result = NULL "
        "WHERE kind = 'order.place' AND user_id = 1",
        {1: {"order-without-job"}},
    ),
    Corruption(
        "UPDATE orders SET job_id = NULL WHERE id = 21",
        {1: {"done-order.place"}, 3: {"payment-job"}, 6: {"order.completed-owed"}},
    ),
    Corruption(
        "DELETE FROM jobs WHERE kind = 'order.cancel'", {1: {"cancel-without-job"}}
    ),
    Corruption(
        "UPDATE orders SET cancel_job_id = NULL WHERE id = 22",
        {1: {"cancel-without-job", "done-order.cancel"}, 3: {"refund-job"}},
    ),
    Corruption(
        "UPDATE user_coupons SET job_id = NULL WHERE id = 1",
        {1: {"coupon-without-job", "done-coupon.issue"}},
    ),
    Corruption(f"DELETE FROM jobs WHERE {_ISSUE} 1", {1: {"coupon-without-job"}}),
    Corruption(
        "DELETE FROM jobs WHERE kind = 'balance.charge' AND status = 'succeeded' "
        "AND claim_hash IS NULL",
        {1: {"charge-without-job", "key-without-job"}},
    ),
    Corruption(
        "UPDATE user_coupons SET job_id = 3 WHERE id = 2",
        {1: {"two-effects", "coupon-without-job", "done-coupon.issue"}},
    ),
    Corruption(
        "UPDATE jobs SET result = REPLACE(result, ':21,', ':20,') WHERE kind = 'order.place'",
        {1: {"done-order.place"}},
    ),
    Corruption(
        "UPDATE jobs SET result = 'broken' WHERE kind = 'order.cancel'", {1: {"done-order.cancel"}}
    ),
    Corruption(f"UPDATE jobs SET result = '{{}}' WHERE {_ISSUE} 3", {1: {"done-coupon.issue"}}),
    Corruption(
        "UPDATE jobs SET result = REPLACE(result, '50000', '50001') WHERE kind = 'balance.charge'",
        {1: {"done-balance.charge"}},
    ),
    Corruption(
        "UPDATE idempotency_keys SET job_uuid = REVERSE(job_uuid) WHERE expires_at IS NULL",
        {1: {"key-without-job", "transaction-id"}},
    ),
    Corruption(
        "UPDATE idempotency_keys SET answer = NULL WHERE answer IS NOT NULL",
        {1: {"key-without-job"}},
    ),
    Corruption(
        "DELETE FROM idempotency_keys WHERE expires_at IS NULL", {1: {"transaction-id"}}
    ),
    Corruption("DELETE FROM jobs WHERE system_failure = 1", {1: {"retry"}}),
    *(
        Corruption(f"UPDATE jobs SET {change} WHERE system_failure = 1", {1: {"retry"}})
        for change in (
            "system_failure = NULL", "kind = 'order.cancel'", "user_id = 4",
            "concurrency_key = 'user:4'", "id = 1000",
        )
    ),
    Corruption(
        "UPDATE jobs j JOIN (SELECT retry_of FROM jobs WHERE retry_of IS NOT NULL) r "
        "SET j.retry_of = r.retry_of WHERE j.kind = 'order.place' AND j.status = 'cancelled'",
        {1: {"retried-twice"}},
        (unique("jobs", "jobs_retried_once", "retry_of"),),
    ),
)
