"""Invariant 5: an order's amounts follow from its lines, its coupon and its payment."""

from audit.rules import Invariant, Rule

ORDERS = Invariant(
    5,
    "Orders",
    examined={
        "orders": "SELECT COUNT(*) FROM orders",
        "orderLines": "SELECT COUNT(*) FROM order_items",
        "payments": "SELECT COUNT(*) FROM payments",
    },
    rules=(
        Rule(
            "order-total",
            """
            SELECT o.id AS orderId, o.total_amount AS total, i.amount AS items
            FROM orders o LEFT JOIN (
                SELECT order_id, SUM(price * quantity) AS amount FROM order_items GROUP BY order_id
            ) i ON i.order_id = o.id
            WHERE i.amount IS NULL OR i.amount <> o.total_amount
            """,
            "order {orderId}: its lines sum to {items}, its total is {total}",
        ),
        Rule(
            "order-line",
            """
            SELECT i.id AS lineId, i.order_id AS orderId, i.quantity, i.price
            FROM order_items i LEFT JOIN orders o ON o.id = i.order_id
            WHERE o.id IS NULL OR i.quantity < 1 OR i.price < 0
            """,
            "line {lineId} of order {orderId} ({quantity} at {price}) belongs to no order, or is "
            "not possible",
        ),
        Rule(
            "order-final",
            """
            SELECT id AS orderId, total_amount AS total, discount_amount AS discount,
                   final_amount AS final
            FROM orders
            WHERE final_amount <> total_amount - discount_amount
               OR discount_amount NOT BETWEEN 0 AND total_amount
            """,
            "order {orderId}: total {total} less discount {discount} is not {final}",
        ),
        Rule(
            "order-discount",
            """
            SELECT o.id AS orderId, o.coupon_id AS couponId, o.total_amount AS total,
                   o.discount_amount AS discount
            FROM orders o LEFT JOIN coupons c ON c.id = o.coupon_id
            WHERE NOT CASE
                WHEN o.coupon_id IS NULL THEN o.discount_amount = 0 AND o.user_coupon_id IS NULL
                WHEN c.id IS NULL OR o.user_coupon_id IS NULL
                     OR o.total_amount < c.min_order_amount THEN FALSE
                WHEN c.discount_type = 'percentage'
                     THEN o.discount_amount = FLOOR(o.total_amount * c.discount_value / 100)
                ELSE o.discount_amount = LEAST(o.total_amount, c.discount_value) END
            """,
            "order {orderId}: coupon {couponId} does not give {discount} off {total}",
        ),
        Rule(
            "order-payment",
            """
            SELECT o.id AS orderId, o.final_amount AS final, p.amount AS paid,
                   p.refunded_at AS refundedAt, o.status
            FROM orders o LEFT JOIN payments p ON p.order_id = o.id
            WHERE p.order_id IS NULL OR p.amount <> o.final_amount OR p.user_id <> o.user_id
               OR (p.refunded_at IS NOT NULL) <> (o.status = 'CANCELLED')
            """,
            "order {orderId} ({status}) costs {final}: paid {paid}, refunded {refundedAt}",
        ),
        Rule(
            "payment-without-order",
            """
            SELECT p.order_id AS orderId, p.amount FROM payments p
            LEFT JOIN orders o ON o.id = p.order_id WHERE o.id IS NULL
            """,
            "{amount} were paid for order {orderId}, which does not exist",
        ),
        Rule(
            "order-state",
            """
            SELECT o.id AS orderId, o.status, o.user_id AS userId
            FROM orders o LEFT JOIN users u ON u.id = o.user_id
            WHERE u.id IS NULL OR o.status NOT IN ('COMPLETED', 'CANCELLED')
               OR (o.status = 'CANCELLED') <> (o.cancelled_at IS NOT NULL)
            """,
            "order {orderId} of user {userId} is {status}, which its user or its times contradict",
        ),
        Rule(
            "order-job",
            """
            SELECT job_id AS jobRow, COUNT(*) AS orders FROM orders
            WHERE job_id IS NOT NULL GROUP BY job_id HAVING COUNT(*) > 1
            """,
            "the job in row {jobRow} made {orders} orders",
        ),
    ),
)
