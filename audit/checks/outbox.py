"""Invariant 6: every effect has told of itself exactly once, and Kafka has what was published.

Owed: ``order.completed`` by an order that a job made (seeded ones owe nothing), ``order.cancelled``
by a cancelled one, ``coupon.issued`` by a user's coupon, ``balance.charged`` by a charge. Published
events are purged after their retention, so an effect older than that may miss its event; an event
without its effect is wrong at any age.

An event is stuck when it has waited for over a minute, is due, and no earlier one of its aggregate
waits before it. Dead letters are not lost: they are counted, and can be redriven.
"""

from audit.checks.topics import events_in_kafka
from audit.rules import Invariant, Rule


def _owed(event: str, aggregate: str, effects: str) -> Rule:
    """Each effect (id, since) has one ``event`` of its aggregate, and each event its effect."""
    return Rule(
        f"{event}-owed",
        f"""
        SELECT id AS aggregateId, SUM(owed) AS owed, SUM(told) AS events FROM (
            {effects}
            UNION ALL
            SELECT aggregateid, 0, NULL, 1 FROM outbox_events
            WHERE type = '{event}' AND aggregatetype = '{aggregate}'
        ) side
        GROUP BY id
        HAVING SUM(told) > SUM(owed) OR (SUM(told) < SUM(owed) AND MAX(since) >= %(kept_since)s)
        """,
        f"{aggregate} {{aggregateId}} owes {{owed}} {event}, there are {{events}}",
    )


_OWED = (
    _owed(
        "order.completed", "order",
        "SELECT id, 1 AS owed, created_at AS since, 0 AS told FROM orders "
        "WHERE job_id IS NOT NULL",
    ),
    _owed(
        "order.cancelled", "order",
        "SELECT id, 1 AS owed, cancelled_at AS since, 0 AS told FROM orders "
        "WHERE status = 'CANCELLED'",
    ),
    _owed(
        "coupon.issued", "userCoupon",
        "SELECT id, 1 AS owed, issued_at AS since, 0 AS told FROM user_coupons",
    ),
    # A user's charges are told apart by the balances that they led from and to.
    Rule(
        "balance.charged-owed",
        """
        SELECT userId, previous, current, SUM(owed) AS owed, SUM(told) AS events FROM (
            SELECT user_id AS userId, previous_balance AS previous, current_balance AS current,
                   1 AS owed, created_at >= %(kept_since)s AS kept, 0 AS told
            FROM balance_history WHERE kind = 'charge'
            UNION ALL
            SELECT aggregateid,
                   CASE WHEN JSON_VALID(payload)
                        THEN CAST(JSON_VALUE(payload, '$.previousBalance') AS SIGNED) END,
                   CASE WHEN JSON_VALID(payload)
                        THEN CAST(JSON_VALUE(payload, '$.currentBalance') AS SIGNED) END,
                   0, 0, 1
            FROM outbox_events WHERE type = 'balance.charged' AND aggregatetype = 'wallet'
        ) side
        GROUP BY userId, previous, current
        HAVING SUM(told) > SUM(owed) OR SUM(told) < SUM(kept)
        """,
        "user {userId}: {owed} charges led from {previous} to {current}, {events} events tell of "
        "them",
    ),
)

_ROWS = (
    Rule(
        "event-state",
        """
        SELECT event_id AS event, type, status FROM outbox_events
        WHERE status NOT IN ('pending', 'published', 'dead')
           OR (status = 'pending') <> (pending_shard IS NOT NULL)
           OR (status = 'published') <> (published_at IS NOT NULL)
           OR (status = 'dead') <> (dead_at IS NOT NULL)
        """,
        "event {event} ({type}) is {status}, but its shard or its times do not go with that",
    ),
    Rule(
        "event-aggregate",
        """
        SELECT event_id AS event, type, aggregatetype AS aggregateType,
               aggregateid AS aggregateId
        FROM outbox_events
        WHERE NOT aggregatetype <=> CASE type
                  WHEN 'order.completed' THEN 'order' WHEN 'order.cancelled' THEN 'order'
                  WHEN 'coupon.issued' THEN 'userCoupon' WHEN 'balance.charged' THEN 'wallet'
                  WHEN 'product.restocked' THEN 'product' END
           OR NOT aggregateid <=> CASE WHEN JSON_VALID(payload) THEN CAST(CASE aggregatetype
                  WHEN 'order' THEN JSON_VALUE(payload, '$.orderId')
                  WHEN 'userCoupon' THEN JSON_VALUE(payload, '$.userCouponId')
                  WHEN 'wallet' THEN JSON_VALUE(payload, '$.userId')
                  ELSE JSON_VALUE(payload, '$.productId') END AS SIGNED) END
        """,
        "event {event} ({type}) is not of {aggregateType} {aggregateId}",
    ),
    Rule(
        "event-twice",
        """
        SELECT event_id AS event, COUNT(*) AS events FROM outbox_events
        GROUP BY event_id HAVING COUNT(*) > 1
        """,
        "event id {event} was given to {events} events",
    ),
    Rule(
        "event-order",
        """
        SELECT aggregateid AS orderId,
               MAX(CASE WHEN type = 'order.completed' THEN id END) AS completed,
               MIN(CASE WHEN type = 'order.cancelled' THEN id END) AS cancelled
        FROM outbox_events WHERE aggregatetype = 'order'
        GROUP BY aggregateid HAVING completed > cancelled
        """,
        "order {orderId}: its cancelling (row {cancelled}) stands before its completing (row "
        "{completed})",
    ),
    Rule(
        "event-stuck",
        """
        SELECT e.event_id AS event, e.type, TIMESTAMPDIFF(SECOND, e.created_at, %(now)s) AS seconds
        FROM outbox_events e JOIN (
            SELECT MIN(id) AS id FROM outbox_events WHERE pending_shard IS NOT NULL
            GROUP BY aggregatetype, aggregateid
        ) foremost ON foremost.id = e.id
        WHERE GREATEST(e.created_at, COALESCE(e.next_attempt_at, e.created_at)) < %(over_age)s
        """,
        "event {event} ({type}) has waited for {seconds} s and is due",
    ),
)

# What a backup that was put back did not hold (docs/operations.md). An event is either lost or
# told, and the number of a lost order or user coupon is not given to another one.
_LOST = (
    Rule(
        "lost-event-there",
        """
        SELECT l.event_id AS event, l.type
        FROM outbox_events e JOIN lost_events l ON l.event_id = e.event_id
        """,
        "event {event} ({type}) is recorded as lost, and stands in the outbox",
    ),
    Rule(
        "lost-number-reused",
        """
        SELECT l.event_id AS event, l.aggregatetype AS aggregateType, l.aggregateid AS aggregateId
        FROM lost_events l JOIN orders o ON o.id = l.aggregateid
        WHERE l.type = 'order.completed'
        UNION ALL
        SELECT l.event_id, l.aggregatetype, l.aggregateid
        FROM lost_events l JOIN user_coupons c ON c.id = l.aggregateid
        WHERE l.type = 'coupon.issued'
        """,
        "{aggregateType} {aggregateId} was lost with event {event}, and there is another one",
    ),
)

OUTBOX = Invariant(
    6,
    "Outbox",
    examined={"events": "SELECT COUNT(*) FROM outbox_events"},
    rules=(*_OWED, *_ROWS, *_LOST),
    under_way={
        "eventsPending": "SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL",
        "eventsDead": "SELECT COUNT(*) FROM outbox_events WHERE dead_at IS NOT NULL",
        "exportsPending": "SELECT COUNT(*) FROM order_exports WHERE status = 'pending'",
    },
    checks=(events_in_kafka,),
)
