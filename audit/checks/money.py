"""Invariant 3: each user's history explains their balance, row by row, and nothing is paid twice.

Both sides of a ledger that no index joins meet in one GROUP BY, so that a row missing on either
side shows, in time linear in the rows whatever their spread over users.
"""

from audit.rules import Invariant, Rule


def _booked(name: str, kind: str, sign: str, owed: str, says: str) -> Rule:
    """Each payment that ``owed`` selects has one history row of ``kind``, and the other way."""
    return Rule(
        name,
        f"""
        SELECT orderId, MAX(owner) AS userId, SUM(owed) AS amount, SUM(owing) AS payments,
               SUM(booked) AS booked, SUM(bookings) AS bookings
        FROM (
            SELECT order_id AS orderId, user_id AS owner, amount AS owed, 1 AS owing,
                   0 AS booked, 0 AS bookings FROM payments WHERE {owed}
            UNION ALL
            SELECT CAST(reference AS SIGNED), user_id, 0, 0, {sign}amount, 1
            FROM balance_history WHERE kind = '{kind}'
        ) side
        GROUP BY orderId
        HAVING SUM(owing) <> 1 OR SUM(bookings) <> 1 OR SUM(owed) <> SUM(booked)
            OR MIN(owner) <> MAX(owner)
        """,
        says,
    )


def _jobs_agree(kind: str, job_column: str) -> Rule:
    """A history row of an order carries the same job as the order."""
    return Rule(
        f"{kind}-job",
        f"""
        SELECT h.id AS historyId, h.user_id AS userId, h.reference AS orderId,
               h.job_id AS jobRow, o.{job_column} AS orderJobRow
        FROM balance_history h JOIN orders o ON o.id = CAST(h.reference AS SIGNED)
        WHERE h.kind = '{kind}' AND NOT (h.job_id <=> o.{job_column})
        """,
        f"{kind} {{historyId}} of user {{userId}} names job row {{jobRow}}, order {{orderId}} "
        "names {orderJobRow}",
    )


_PAYMENTS = (
    Rule(
        "payment-state",
        """
        SELECT job_id AS jobRow, status FROM payment_requests
        WHERE status NOT IN ('asking', 'approved', 'booked', 'declined', 'voiding', 'voided')
           OR (status IN ('asking', 'voiding')) <> (next_attempt_at IS NOT NULL)
           OR (status = 'asking') <> (decided_at IS NULL)
           OR (status <> 'asking' AND held_until IS NOT NULL)
           OR (status NOT IN ('asking', 'declined') AND provider_id IS NULL)
        """,
        "the payment of job row {jobRow} is {status}, which its other columns contradict",
    ),
    Rule(
        "payment-charge",
        """
        SELECT r.job_id AS jobRow, r.status, r.amount, h.amount AS charged
        FROM payment_requests r
        LEFT JOIN balance_history h ON h.job_id = r.job_id AND h.kind = 'charge'
        WHERE (r.status = 'booked') <> (h.id IS NOT NULL)
           OR h.amount <> r.amount OR h.user_id <> r.user_id
        """,
        "the payment of job row {jobRow} is {status} with {amount} won, {charged} are charged",
    ),
    # Asked for is what is parked, and nothing else.
    Rule(
        "payment-job",
        """
        SELECT r.job_id AS jobRow, r.status, j.status AS jobStatus
        FROM payment_requests r LEFT JOIN jobs j ON j.id = r.job_id
        WHERE r.status = 'asking'
          AND NOT COALESCE(j.status = 'running' AND j.lease_token IS NULL
                           AND j.kind = 'balance.charge', FALSE)
        """,
        "the payment of job row {jobRow} is {status}, its job is {jobStatus}",
    ),
    Rule(
        "payment-stuck",
        """
        SELECT r.job_id AS jobRow, r.status FROM payment_requests r
        LEFT JOIN jobs j ON j.id = r.job_id
        WHERE r.next_attempt_at < %(over_age)s
           OR (r.status = 'approved' AND r.decided_at < %(over_age)s
               AND (j.id IS NULL OR j.finished_at < %(over_age)s))
        """,
        "the payment of job row {jobRow} is still {status}, and nobody asks for it",
    ),
)

MONEY = Invariant(
    3,
    "Money",
    examined={
        "users": "SELECT COUNT(*) FROM users",
        "historyRows": "SELECT COUNT(*) FROM balance_history",
        "payments": "SELECT COUNT(*) FROM payments",
        "paymentsAskedFor": "SELECT COUNT(*) FROM payment_requests",
    },
    under_way={
        "paymentsUnknown": "SELECT COUNT(*) FROM payment_requests "
        "WHERE next_attempt_at IS NOT NULL",
        "paymentsDiffering": "SELECT COUNT(*) FROM payment_differences WHERE open = 1",
    },
    rules=(
        Rule(
            "balance-sum",
            """
            SELECT userId, SUM(moved) AS moved, SUM(balance) AS balance FROM (
                SELECT user_id AS userId, SUM(amount) AS moved, NULL AS balance
                FROM balance_history GROUP BY user_id
                UNION ALL SELECT id, 0, balance FROM users
            ) side
            GROUP BY userId HAVING COUNT(balance) <> 1 OR SUM(moved) <> SUM(balance)
            """,
            "user {userId}: the history sums to {moved}, the balance is {balance}",
        ),
        Rule(
            "balance-negative",
            "SELECT id AS userId, balance FROM users WHERE balance < 0",
            "user {userId} has a balance of {balance}",
        ),
        Rule(
            "history-chain",
            """
            SELECT historyId, userId, before_it AS expected, previous FROM (
                SELECT id AS historyId, user_id AS userId, previous_balance AS previous,
                       COALESCE(LAG(current_balance) OVER one_user, 0) AS before_it
                FROM balance_history WINDOW one_user AS (PARTITION BY user_id ORDER BY id)
            ) link
            WHERE previous <> before_it
            """,
            "history row {historyId} of user {userId} starts from {previous}, the one before it "
            "ended at {expected}",
        ),
        Rule(
            "history-row",
            """
            SELECT id AS historyId, user_id AS userId, kind, amount,
                   previous_balance AS previous, current_balance AS current
            FROM balance_history
            WHERE previous_balance + amount <> current_balance OR current_balance < 0
               OR NOT CASE kind
                  WHEN 'opening' THEN amount >= 0 AND previous_balance = 0
                  WHEN 'charge' THEN amount > 0
                  WHEN 'payment' THEN amount <= 0 AND reference IS NOT NULL
                  WHEN 'refund' THEN amount >= 0 AND reference IS NOT NULL
                  ELSE FALSE END
            """,
            "history row {historyId} of user {userId} is no proper {kind}: {previous} and "
            "{amount} give {current}",
        ),
        Rule(
            "balance-opened-twice",
            """
            SELECT historyId, userId FROM (
                SELECT id AS historyId, user_id AS userId, kind,
                       ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY id) AS place
                FROM balance_history
            ) placed
            WHERE kind = 'opening' AND place > 1
            """,
            "history row {historyId} opens user {userId}'s balance, but is not the first",
        ),
        Rule(
            "charged-twice",
            """
            SELECT user_id AS userId, reference AS transactionId, COUNT(*) AS charges
            FROM balance_history WHERE kind = 'charge' AND reference IS NOT NULL
            GROUP BY user_id, reference HAVING COUNT(*) > 1
            """,
            "user {userId}: transactionId {transactionId} was charged {charges} times",
        ),
        _booked(
            "payment-booked", "payment", "-", "1 = 1",
            "order {orderId} of user {userId}: {payments} payments of {amount}, {bookings} "
            "history rows of {booked}",
        ),
        _booked(
            "refund-booked", "refund", "", "refunded_at IS NOT NULL",
            "order {orderId} of user {userId}: {payments} refunded payments of {amount}, "
            "{bookings} history rows of {booked}",
        ),
        _jobs_agree("payment", "job_id"),
        _jobs_agree("refund", "cancel_job_id"),
        *_PAYMENTS,
    ),
)
