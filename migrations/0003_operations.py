"""What goes out to others (exports, restock notices) and what operators need."""

atomic = False

TABLES = [
    """
    CREATE TABLE IF NOT EXISTS order_exports (
        event_id BINARY(16) NOT NULL PRIMARY KEY,
        position BIGINT NOT NULL AUTO_INCREMENT UNIQUE,
        order_id BIGINT NOT NULL,
        type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        payload MEDIUMTEXT NOT NULL,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
        pending_order_id BIGINT NULL,
        attempts INT NOT NULL DEFAULT 0,
        faults INT NOT NULL DEFAULT 0,
        next_attempt_at DATETIME(3) NOT NULL,
        lease_token BINARY(16) NULL,
        lease_until DATETIME(3) NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        synced_at DATETIME(3) NULL,
        last_error VARCHAR(500) NULL,
        KEY order_exports_due (status, next_attempt_at),
        KEY order_exports_of_order (order_id, position),
        KEY order_exports_pending (pending_order_id, position)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS restock_notifications (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        product_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        email VARCHAR(254) NOT NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        UNIQUE KEY restock_notifications_once (product_id, user_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS admin_audit (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        admin_id BIGINT NOT NULL,
        action VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        target VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        detail MEDIUMTEXT NOT NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS controls (
        name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
        value VARCHAR(255) NOT NULL,
        changed_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS heartbeats (
        name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
        beat_at DATETIME(3) NOT NULL,
        detail VARCHAR(1000) NOT NULL DEFAULT ''
    )
    """,
]

OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def up(migrator, db):
    for table in TABLES:
        db.execute_sql(table + OPTIONS)
