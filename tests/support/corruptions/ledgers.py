"""Stock, money, and the orders that move them."""

from tests.support.corruptions.shape import Corruption, check, unique

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
    Corruption(
        "UPDATE payment_requests SET provider_id = NULL WHERE status = 'booked'",
        {3: {"payment-state"}},
    ),
    Corruption(
        "UPDATE payment_requests SET next_attempt_at = NULL WHERE user_id = 2",
        {3: {"payment-state"}},
    ),
    Corruption(
        "UPDATE payment_requests SET amount = amount + 1 WHERE status = 'booked'",
        {3: {"payment-charge"}},
    ),
    Corruption(
        "UPDATE payment_requests SET status = 'declined' WHERE status = 'booked'",
        {3: {"payment-charge"}},
    ),
    Corruption(
        "UPDATE payment_requests SET status = 'booked', provider_id = 'pay' "
        "WHERE status = 'declined'",
        {3: {"payment-charge"}},
    ),
    Corruption(
        "UPDATE payment_requests SET status = 'asking', decided_at = NULL, "
        "next_attempt_at = NOW(3) WHERE status = 'declined'",
        {3: {"payment-job"}},
    ),
    Corruption(
        "UPDATE payment_requests SET next_attempt_at = NOW(3) - INTERVAL 61 SECOND "
        "WHERE user_id = 2",
        {3: {"payment-stuck"}},
    ),
    Corruption(
        "UPDATE payment_requests SET status = 'approved', provider_id = 'pay' "
        "WHERE status = 'declined'",
        {3: {"payment-stuck"}},
    ),
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
