"""One line of SQL each that breaks a healthy shop, and the rules of audit that must say so.

These and no others: a corruption of one thing that is reported as five would tell nobody anything.
"""

import re
from dataclasses import dataclass

PLACED, CANCELLED = 21, 22
"""The orders that jobs made: user 1's, and user 2's, which was cancelled."""


@dataclass(frozen=True)
class Corruption:
    """``breaks``: by invariant, the rules that do not hold any more.

    ``guards``: what of the schema would prevent it, as pairs of dropping it and restoring it.
    """

    sql: str
    breaks: dict[int, set[str]]
    guards: tuple[tuple[str, str], ...] = ()

    @property
    def tables(self) -> list[str]:
        """The table that it changes."""
        return re.findall(r"^(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)", self.sql)

    def __str__(self) -> str:
        return " ".join(self.sql.split())[:100]


def check(table: str, name: str, condition: str) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})",
    )


def unique(table: str, name: str, columns: str) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} DROP INDEX {name}",
        f"ALTER TABLE {table} ADD UNIQUE KEY {name} ({columns})",
    )


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
        "UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND WHERE status = 'running'",
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
)

STOCK = (
    Corruption("UPDATE products SET stock = stock + 1 WHERE id = 4", {2: {"stock-sum"}}),
    Corruption("DELETE FROM products WHERE id = 12", {2: {"stock-sum"}}),
    Corruption(
        "UPDATE products SET stock = -1 WHERE id = 12",
        {2: {"stock-sum", "stock-negative"}},
        (check("products", "products_stock_not_negative", "stock >= 0"),),
    ),
    Corruption(
        "UPDATE stock_movements SET kind = 'gift' WHERE kind = 'restock'", {2: {"movement-kind"}}
    ),
    Corruption(
        "UPDATE stock_movements SET kind = 'opening' WHERE kind = 'restock'",
        {2: {"stock-opened-twice"}},
    ),
    Corruption(
        "DELETE FROM stock_movements WHERE order_id = 21 AND product_id = 4",
        {2: {"stock-sum", "line-without-movement"}},
    ),
    Corruption(
        "UPDATE stock_movements SET quantity = -2 WHERE order_id = 21 AND product_id = 4",
        {2: {"stock-sum", "line-without-movement"}},
    ),
    Corruption(
        "INSERT INTO order_items (order_id, product_id, product_name, price, quantity) "
        "SELECT order_id, product_id, product_name, 0, 1 FROM order_items "
        "WHERE order_id = 21 AND product_id = 4",
        {2: {"line-twice"}, 7: {"sales-count", "ranking-differs"}},
    ),
    Corruption(
        "DELETE FROM order_items WHERE order_id = 21 AND product_id = 9",
        {2: {"movement-without-line"}, 5: {"order-total"}, 7: {"sales-count", "ranking-differs"}},
    ),
    Corruption(
        "DELETE FROM stock_movements WHERE kind = 'cancel'",
        {2: {"stock-sum", "cancel-not-returned"}},
    ),
    Corruption(
        "UPDATE stock_movements SET order_id = 21 WHERE kind = 'cancel'",
        {2: {"cancel-not-returned", "returned-without-cancel"}},
    ),
)

MONEY = (
    Corruption("UPDATE users SET balance = balance + 1 WHERE id = 3", {3: {"balance-sum"}}),
    Corruption("DELETE FROM balance_history WHERE user_id = 3", {3: {"balance-sum"}}),
    Corruption(
        "UPDATE users SET balance = -1 WHERE id = 3",
        {3: {"balance-sum", "balance-negative"}},
        (check("users", "users_balance_not_negative", "balance >= 0"),),
    ),
    Corruption(
        "UPDATE balance_history SET previous_balance = previous_balance + 5, "
        "current_balance = current_balance + 5 WHERE kind = 'refund'",
        {3: {"history-chain"}},
    ),
    Corruption(
        "UPDATE balance_history SET amount = amount + 1 WHERE kind = 'opening' AND user_id = 3",
        {3: {"history-row", "balance-sum"}},
    ),
    Corruption(
        "UPDATE balance_history SET kind = 'gift' WHERE kind = 'charge' AND reference IS NULL",
        {1: {"done-balance.charge"}, 3: {"history-row"}, 6: {"balance.charged-owed"}},
    ),
    Corruption(
        "UPDATE balance_history SET kind = 'opening', job_id = NULL WHERE kind = 'refund'",
        {3: {"history-row", "balance-opened-twice", "refund-booked"}},
    ),
    Corruption(
        "UPDATE balance_history SET reference = 'tx-1' WHERE kind = 'charge'",
        {3: {"charged-twice"}},
    ),
    Corruption(
        "UPDATE balance_history SET reference = '20' WHERE kind = 'payment' AND reference = '21'",
        {3: {"payment-booked", "payment-job"}},
    ),
    Corruption(
        "UPDATE payments SET refunded_at = NOW(3) WHERE order_id = 1",
        {3: {"refund-booked"}, 5: {"order-payment"}},
    ),
    Corruption(
        "UPDATE balance_history SET job_id = NULL WHERE kind = 'payment'", {3: {"payment-job"}}
    ),
    Corruption(
        "UPDATE balance_history SET job_id = NULL WHERE kind = 'refund'", {3: {"refund-job"}}
    ),
)

COUPONS = (
    Corruption(
        "UPDATE coupons SET issued_quantity = 1 WHERE id = 4", {4: {"issued-count"}}
    ),
    Corruption(
        "UPDATE coupons SET max_quantity = 1 WHERE id = 5",
        {4: {"issued-count"}},
        (
            check(
                "coupons", "coupons_never_over_issued",
                "issued_quantity BETWEEN 0 AND max_quantity",
            ),
        ),
    ),
    Corruption(
        "DELETE FROM user_coupons WHERE id = 2",
        {1: {"done-coupon.issue"}, 4: {"issued-count", "order-coupon"},
         6: {"coupon.issued-owed"}},
    ),
    Corruption(
        "UPDATE user_coupons SET user_id = 1 WHERE id = 2",
        {1: {"coupon-without-job", "done-coupon.issue"}, 4: {"user-twice", "order-coupon"}},
        (unique("user_coupons", "user_coupons_once_a_user", "coupon_id, user_id"),),
    ),
    Corruption(
        "UPDATE user_coupons SET user_id = 999 WHERE id = 2",
        {1: {"coupon-without-job", "done-coupon.issue"}, 4: {"user-unknown", "order-coupon"}},
    ),
    Corruption(f"UPDATE jobs SET seq = 0 WHERE {_ISSUE} 4", {4: {"winners-lowest"}}),
    Corruption(
        "UPDATE coupons SET max_quantity = 3 WHERE id = 5", {4: {"gate", "refused-with-some-left"}}
    ),
    Corruption(
        "DELETE FROM admin_audit WHERE target = 'coupon:6'", {4: {"winners-lowest"}}
    ),
    Corruption(f"UPDATE jobs SET seq = 5 WHERE {_ISSUE} 4", {4: {"sequence-twice"}}),
    Corruption("DELETE FROM coupon_gates WHERE coupon_id = 1", {4: {"gate"}}),
    Corruption("UPDATE coupon_gates SET next_seq = 2 WHERE coupon_id = 5", {4: {"gate"}}),
    Corruption("UPDATE coupon_gates SET sold_out = 0 WHERE coupon_id = 5", {4: {"gate"}}),
    Corruption(
        "UPDATE user_coupons SET used_at = NULL, used_by_order_id = NULL WHERE id = 1",
        {4: {"order-coupon"}},
    ),
    Corruption(
        "UPDATE user_coupons SET used_at = NOW(3), used_by_order_id = 22 WHERE id = 2",
        {4: {"coupon-use"}},
    ),
    Corruption("UPDATE user_coupons SET used_at = NULL WHERE id = 1", {4: {"coupon-use"}}),
)

ORDERS = (
    Corruption(
        "UPDATE order_items SET price = price + 1 WHERE order_id = 1", {5: {"order-total"}}
    ),
    Corruption(
        "DELETE FROM orders WHERE id = 20",
        {5: {"order-line", "payment-without-order"}, 7: {"sales-count", "ranking-differs"}},
    ),
    Corruption(
        "UPDATE orders SET discount_amount = 1 WHERE id = 1",
        {5: {"order-final", "order-discount"}},
    ),
    Corruption(
        "UPDATE coupons SET discount_value = 32 WHERE id = 5", {5: {"order-discount"}}
    ),
    Corruption(
        "UPDATE coupons SET min_order_amount = 88001 WHERE id = 5", {5: {"order-discount"}}
    ),
    Corruption(
        "UPDATE payments SET amount = amount + 1 WHERE order_id = 1",
        {3: {"payment-booked"}, 5: {"order-payment"}},
    ),
    Corruption(
        "DELETE FROM payments WHERE order_id = 1",
        {3: {"payment-booked"}, 5: {"order-payment"}},
    ),
    Corruption(
        "UPDATE orders SET cancelled_at = NOW(3) WHERE id = 1", {5: {"order-state"}}
    ),
    Corruption(
        "UPDATE orders SET status = 'LOST' WHERE id = 20",
        {5: {"order-state"}, 7: {"sales-count", "ranking-differs"}},
    ),
    Corruption(
        "UPDATE orders o JOIN (SELECT job_id FROM orders WHERE id = 21) placed "
        "SET o.job_id = placed.job_id WHERE o.id = 20",
        {1: {"order-without-job", "two-effects", "done-order.place"}, 3: {"payment-job"},
         5: {"order-job"}, 6: {"order.completed-owed"}},
        (unique("orders", "orders_once_a_job", "job_id"),),
    ),
)

OUTBOX = (
    *(
        Corruption(
            f"DELETE FROM outbox_events WHERE type = '{kind}' LIMIT 1",
            {6: {f"{kind}-owed", "event-unknown"}},
        )
        for kind in ("order.completed", "order.cancelled", "coupon.issued", "balance.charged")
    ),
    Corruption(
        "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
        "created_at, status, published_at) SELECT event_id, aggregatetype, aggregateid, type, "
        "payload, created_at, status, published_at FROM outbox_events "
        "WHERE type = 'order.cancelled'",
        {6: {"order.cancelled-owed", "event-twice"}},
    ),
    Corruption(
        "UPDATE outbox_events SET pending_shard = 3 WHERE type = 'product.restocked'",
        {6: {"event-state"}},
    ),
    Corruption(
        "UPDATE outbox_events SET status = 'dead' WHERE type = 'product.restocked'",
        {6: {"event-state"}},
    ),
    Corruption(
        "UPDATE outbox_events SET payload = '{}' WHERE type = 'order.cancelled'",
        {6: {"event-aggregate"}},
    ),
    Corruption(
        "UPDATE outbox_events SET aggregateid = 11, payload = '{\"productId\":11}' "
        "WHERE type = 'product.restocked'",
        {6: {"event-misplaced"}},
    ),
    Corruption(
        "UPDATE outbox_events SET id = 1000 WHERE type = 'order.completed' AND aggregateid = 22",
        {6: {"event-order", "event-late-in-kafka"}},
    ),
    Corruption(
        "UPDATE outbox_events SET status = 'pending', pending_shard = 1, published_at = NULL, "
        "created_at = NOW(3) - INTERVAL 61 SECOND WHERE type = 'product.restocked'",
        {6: {"event-stuck"}},
    ),
    Corruption(
        "UPDATE outbox_events SET event_id = REVERSE(event_id) WHERE type = 'product.restocked'",
        {6: {"event-not-in-kafka", "event-unknown"}},
    ),
)

RANKING = (
    Corruption(
        "UPDATE products SET sales_count = sales_count + 1 WHERE id = 4", {7: {"sales-count"}}
    ),
    Corruption(
        "UPDATE orders SET created_at = created_at - INTERVAL 1 DAY WHERE id = 21",
        {7: {"ranking-differs"}},
    ),
)

CORRUPTIONS = (*JOBS, *STOCK, *MONEY, *COUPONS, *ORDERS, *OUTBOX, *RANKING)
