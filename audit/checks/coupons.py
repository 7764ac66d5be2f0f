"""Invariant 4: coupons go to the lowest sequence numbers, to nobody twice, and are used once.

A job refused as sold out (C001) lost, and nobody with a higher number may have won, unless an admin
added more in between, which ``admin_audit`` says. Jobs that were cancelled, or failed for another
reason, took no part.
"""

from audit.rules import Invariant, Rule

# What makes room for later ones: a pause, or a smaller total, explains no winner after a loser.
_RAISED = """a.action = 'coupon.change'
              AND CASE WHEN JSON_VALID(a.detail)
                       THEN CAST(JSON_VALUE(a.detail, '$.asked.maxQuantity') AS SIGNED)
                            > CAST(JSON_VALUE(a.detail, '$.before.maxQuantity') AS SIGNED) END"""

_COUNTS = (
    Rule(
        "issued-count",
        """
        SELECT couponId, SUM(issued) AS issued, SUM(`rows`) AS held, SUM(total) AS total FROM (
            SELECT coupon_id AS couponId, NULL AS issued, COUNT(*) AS `rows`, NULL AS total
            FROM user_coupons GROUP BY coupon_id
            UNION ALL SELECT id, issued_quantity, 0, max_quantity FROM coupons
        ) side
        GROUP BY couponId
        HAVING COUNT(issued) <> 1 OR SUM(issued) <> SUM(`rows`) OR SUM(issued) > SUM(total)
        """,
        "coupon {couponId}: {issued} of {total} counted as issued, {held} are held",
    ),
    Rule(
        "user-twice",
        """
        SELECT coupon_id AS couponId, user_id AS userId, COUNT(*) AS held FROM user_coupons
        GROUP BY coupon_id, user_id HAVING COUNT(*) > 1
        """,
        "user {userId} holds coupon {couponId} {held} times",
    ),
    Rule(
        "user-unknown",
        """
        SELECT c.id AS userCouponId, c.user_id AS userId FROM user_coupons c
        LEFT JOIN users u ON u.id = c.user_id WHERE u.id IS NULL
        """,
        "user coupon {userCouponId} belongs to user {userId}, who does not exist",
    ),
)

_SEQUENCE = (
    Rule(
        "winners-lowest",
        f"""
        SELECT job, concurrencyKey, seq FROM (
            SELECT uuid AS job, concurrency_key AS concurrencyKey, seq, finished_at,
                   status = 'failed' AND CASE WHEN JSON_VALID(error)
                       THEN JSON_VALUE(error, '$.code') = 'C001' END AS lost,
                   MIN(CASE WHEN status = 'succeeded' THEN finished_at END) OVER (
                       PARTITION BY concurrency_key ORDER BY seq
                       ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS later_win
            FROM jobs WHERE kind = 'coupon.issue'
        ) placed
        WHERE lost AND later_win IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM admin_audit a
            WHERE {_RAISED} AND a.target = concurrencyKey
              AND a.created_at BETWEEN finished_at AND later_win)
        """,
        "job {job} of {concurrencyKey} was refused as sold out at {seq}, a later one got it",
    ),
    Rule(
        "refused-with-some-left",
        f"""
        SELECT j.uuid AS job, c.id AS couponId, j.seq, c.issued_quantity AS issued,
               c.max_quantity AS total
        FROM jobs j JOIN coupons c ON c.id = CAST(SUBSTRING(j.concurrency_key, 8) AS SIGNED)
        WHERE j.kind = 'coupon.issue' AND j.status = 'failed'
          AND CASE WHEN JSON_VALID(j.error) THEN JSON_VALUE(j.error, '$.code') = 'C001' END
          AND c.issued_quantity < c.max_quantity AND NOT EXISTS (
              SELECT 1 FROM admin_audit a
              WHERE {_RAISED} AND a.target = j.concurrency_key
                AND a.created_at >= j.finished_at)
        """,
        "job {job} was refused coupon {couponId} as sold out at {seq}, {issued} of {total} are "
        "issued",
    ),
    Rule(
        "sequence-twice",
        """
        SELECT concurrency_key AS concurrencyKey, seq, COUNT(*) AS jobs FROM jobs
        WHERE kind = 'coupon.issue' GROUP BY concurrency_key, seq HAVING COUNT(*) > 1
        UNION ALL
        SELECT CONCAT('coupon:', coupon_id), seq, COUNT(*) FROM user_coupons
        GROUP BY coupon_id, seq HAVING COUNT(*) > 1
        """,
        "{concurrencyKey}: sequence number {seq} was given {jobs} times",
    ),
    Rule(
        "gate",
        """
        SELECT c.id AS couponId, g.next_seq AS nextSeq, held.highest AS highest
        FROM coupons c LEFT JOIN coupon_gates g ON g.coupon_id = c.id
        LEFT JOIN (SELECT coupon_id, MAX(seq) AS highest FROM user_coupons GROUP BY coupon_id) held
          ON held.coupon_id = c.id
        WHERE g.coupon_id IS NULL OR COALESCE(held.highest, 0) > g.next_seq
           OR g.sold_out <> (c.issued_quantity >= c.max_quantity)
        """,
        "coupon {couponId}: its gate (next {nextSeq}, highest held {highest}) is missing, behind, "
        "or open and shut against what is left",
    ),
)

_USES = (
    Rule(
        "coupon-use",
        """
        SELECT c.id AS userCouponId, c.used_by_order_id AS orderId, o.status
        FROM user_coupons c LEFT JOIN orders o ON o.id = c.used_by_order_id
        WHERE (c.used_at IS NULL) <> (c.used_by_order_id IS NULL)
           OR (c.used_by_order_id IS NOT NULL
               AND NOT (o.status <=> 'COMPLETED' AND o.user_coupon_id <=> c.id))
        """,
        "user coupon {userCouponId} is used by order {orderId} ({status}), which does not use it",
    ),
    Rule(
        "order-coupon",
        """
        SELECT o.id AS orderId, o.user_coupon_id AS userCouponId,
               c.used_by_order_id AS usedByOrderId
        FROM orders o LEFT JOIN user_coupons c ON c.id = o.user_coupon_id
        WHERE o.user_coupon_id IS NOT NULL
          AND NOT (c.user_id <=> o.user_id AND c.coupon_id <=> o.coupon_id
                   AND (o.status <> 'COMPLETED' OR c.used_by_order_id <=> o.id))
        """,
        "order {orderId} names user coupon {userCouponId}, which is not its user's or was used "
        "by order {usedByOrderId}",
    ),
)

COUPONS = Invariant(
    4,
    "Coupons",
    examined={
        "coupons": "SELECT COUNT(*) FROM coupons",
        "userCoupons": "SELECT COUNT(*) FROM user_coupons",
    },
    rules=(*_COUNTS, *_SEQUENCE, *_USES),
)
