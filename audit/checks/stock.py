"""Invariant 2: the movements of each product explain its stock, and each order line is one."""

from audit.rules import Invariant, Rule

STOCK = Invariant(
    2,
    "Stock",
    examined={
        "products": "SELECT COUNT(*) FROM products",
        "movements": "SELECT COUNT(*) FROM stock_movements",
        "orderLines": "SELECT COUNT(*) FROM order_items",
    },
    rules=(
        Rule(
            "stock-sum",
            """
            SELECT productId, SUM(moved) AS moved, SUM(stock) AS stock FROM (
                SELECT product_id AS productId, SUM(quantity) AS moved, NULL AS stock
                FROM stock_movements GROUP BY product_id
                UNION ALL SELECT id, 0, stock FROM products
            ) side
            GROUP BY productId HAVING COUNT(stock) <> 1 OR SUM(moved) <> SUM(stock)
            """,
            "product {productId}: its movements sum to {moved}, its stock is {stock}",
        ),
        Rule(
            "stock-negative",
            "SELECT id AS productId, stock FROM products WHERE stock < 0",
            "product {productId} has a stock of {stock}",
        ),
        Rule(
            "movement-kind",
            """
            SELECT id AS movementId, product_id AS productId, kind, quantity, order_id AS orderId
            FROM stock_movements
            WHERE NOT CASE kind
                WHEN 'opening' THEN quantity >= 0 AND order_id IS NULL
                WHEN 'restock' THEN quantity > 0 AND order_id IS NULL
                WHEN 'order' THEN quantity < 0 AND order_id IS NOT NULL
                WHEN 'cancel' THEN quantity > 0 AND order_id IS NOT NULL
                ELSE FALSE END
            """,
            "movement {movementId} of product {productId} is no proper {kind}: "
            "quantity {quantity}, order {orderId}",
        ),
        Rule(
            "stock-opened-twice",
            """
            SELECT product_id AS productId, COUNT(*) AS openings FROM stock_movements
            WHERE kind = 'opening' GROUP BY product_id HAVING COUNT(*) > 1
            """,
            "product {productId} was opened {openings} times",
        ),
        Rule(
            "line-without-movement",
            """
            SELECT i.order_id AS orderId, i.product_id AS productId, i.quantity,
                   m.quantity AS moved
            FROM order_items i LEFT JOIN stock_movements m
              ON m.order_id = i.order_id AND m.product_id = i.product_id AND m.kind = 'order'
            WHERE m.id IS NULL OR m.quantity <> -i.quantity
            """,
            "order {orderId}: {quantity} of product {productId} were sold, the stock moved by "
            "{moved}",
        ),
        Rule(
            "line-twice",
            """
            SELECT order_id AS orderId, product_id AS productId, COUNT(*) AS `lines`
            FROM order_items GROUP BY order_id, product_id HAVING COUNT(*) > 1
            """,
            "order {orderId} has {lines} lines of product {productId}",
        ),
        Rule(
            "movement-without-line",
            """
            SELECT m.id AS movementId, m.order_id AS orderId, m.product_id AS productId, m.kind
            FROM stock_movements m LEFT JOIN order_items i
              ON i.order_id = m.order_id AND i.product_id = m.product_id
            WHERE m.kind IN ('order', 'cancel') AND i.id IS NULL
            """,
            "movement {movementId} ({kind}) of product {productId} has no line in order {orderId}",
        ),
        Rule(
            "cancel-not-returned",
            """
            SELECT o.id AS orderId, i.product_id AS productId, i.quantity, m.quantity AS moved
            FROM orders o JOIN order_items i ON i.order_id = o.id
            LEFT JOIN stock_movements m
              ON m.order_id = o.id AND m.product_id = i.product_id AND m.kind = 'cancel'
            WHERE o.status = 'CANCELLED' AND (m.id IS NULL OR m.quantity <> i.quantity)
            """,
            "order {orderId} was cancelled: {quantity} of product {productId} were due, "
            "{moved} came back",
        ),
        Rule(
            "returned-without-cancel",
            """
            SELECT m.id AS movementId, m.order_id AS orderId, m.product_id AS productId
            FROM stock_movements m LEFT JOIN orders o ON o.id = m.order_id
            WHERE m.kind = 'cancel' AND NOT (o.status <=> 'CANCELLED')
            """,
            "movement {movementId} gives product {productId} back, but order {orderId} is not "
            "cancelled",
        ),
    ),
)
