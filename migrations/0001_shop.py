"""Users and their money, products and their stock, carts, coupons, orders.

Conventions of all tables: BIGINT keys, UTC in DATETIME, words in ASCII columns compared by byte.
No foreign key: a child's insert would lock its parent out of the one global lock order.
"""

atomic = False

TABLES = [
    """
    CREATE TABLE IF NOT EXISTS users (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(200) NOT NULL,
        balance BIGINT NOT NULL DEFAULT 0,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        CONSTRAINT users_balance_not_negative CHECK (balance >= 0)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS balance_history (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        user_id BIGINT NOT NULL,
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        amount BIGINT NOT NULL,
        previous_balance BIGINT NOT NULL,
        current_balance BIGINT NOT NULL,
        reference VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
        job_id BIGINT NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        UNIQUE KEY balance_history_once_a_job (job_id),
        KEY balance_history_of_user (user_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS products (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(200) NOT NULL,
        description TEXT NOT NULL,
        price BIGINT NOT NULL,
        stock BIGINT NOT NULL,
        category VARCHAR(100) NULL,
        max_per_user BIGINT NULL,
        sales_count BIGINT NOT NULL DEFAULT 0,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        KEY products_by_price (price),
        KEY products_by_category_and_price (category, price),
        KEY products_by_sales (sales_count),
        KEY products_by_category_and_sales (category, sales_count),
        CONSTRAINT products_stock_not_negative CHECK (stock >= 0)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS stock_movements (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        product_id BIGINT NOT NULL,
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        quantity BIGINT NOT NULL,
        order_id BIGINT NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        UNIQUE KEY stock_movements_once_an_order (order_id, product_id, kind)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS carts (
        user_id BIGINT NOT NULL PRIMARY KEY,
        version BIGINT NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS cart_items (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        cart_id BIGINT NOT NULL,
        product_id BIGINT NOT NULL,
        quantity BIGINT NOT NULL,
        UNIQUE KEY cart_items_of_cart (cart_id, product_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS coupons (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(200) NOT NULL,
        discount_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        discount_value BIGINT NOT NULL,
        min_order_amount BIGINT NOT NULL DEFAULT 0,
        max_quantity BIGINT NOT NULL,
        issued_quantity BIGINT NOT NULL DEFAULT 0,
        starts_at DATETIME(3) NULL,
        expires_at DATETIME(3) NOT NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        KEY coupons_by_expiry (expires_at),
        CONSTRAINT coupons_never_over_issued CHECK (issued_quantity BETWEEN 0 AND max_quantity)
    )
    """,
    # Apart from coupons: acceptance locks this row, issuing locks that one, and only the drain
    # that issues the last coupon needs both.
    """
    CREATE TABLE IF NOT EXISTS coupon_gates (
        coupon_id BIGINT NOT NULL PRIMARY KEY,
        next_seq BIGINT NOT NULL DEFAULT 0,
        sold_out TINYINT NOT NULL DEFAULT 0,
        paused TINYINT NOT NULL DEFAULT 0,
        starts_at DATETIME(3) NULL,
        expires_at DATETIME(3) NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS user_coupons (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        coupon_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        job_id BIGINT NULL,
        seq BIGINT NULL,
        issued_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        expires_at DATETIME(3) NOT NULL,
        used_at DATETIME(3) NULL,
        used_by_order_id BIGINT NULL,
        UNIQUE KEY user_coupons_once_a_user (coupon_id, user_id),
        KEY user_coupons_of_user (user_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS orders (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        user_id BIGINT NOT NULL,
        job_id BIGINT NULL,
        cancel_job_id BIGINT NULL,
        coupon_id BIGINT NULL,
        user_coupon_id BIGINT NULL,
        total_amount BIGINT NOT NULL,
        discount_amount BIGINT NOT NULL,
        final_amount BIGINT NOT NULL,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        created_at DATETIME(3) NOT NULL,
        cancelled_at DATETIME(3) NULL,
        UNIQUE KEY orders_once_a_job (job_id),
        UNIQUE KEY orders_cancelled_once_a_job (cancel_job_id),
        KEY orders_of_user (user_id, id),
        KEY orders_by_status (status, created_at)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS order_items (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        order_id BIGINT NOT NULL,
        product_id BIGINT NOT NULL,
        product_name VARCHAR(200) NOT NULL,
        price BIGINT NOT NULL,
        quantity BIGINT NOT NULL,
        KEY order_items_of_order (order_id, product_id, quantity)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS payments (
        order_id BIGINT NOT NULL PRIMARY KEY,
        user_id BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        paid_at DATETIME(3) NOT NULL,
        refunded_at DATETIME(3) NULL
    )
    """,
]

OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def up(migrator, db):
    for table in TABLES:
        db.execute_sql(table + OPTIONS)
