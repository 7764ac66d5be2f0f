"""Products that came back in stock, and the mails that tell of it.

``restock_notifications.after_id`` is the last row of ``back_in_stock`` that there was when somebody
subscribed: only a later one is told to them.
"""

atomic = False

TABLES = [
    """
    CREATE TABLE IF NOT EXISTS back_in_stock (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        product_id BIGINT NOT NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS restock_mails (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        message_uuid BINARY(16) NOT NULL,
        product_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        email VARCHAR(254) NULL,
        back_at DATETIME(3) NOT NULL,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
        attempts INT NOT NULL DEFAULT 0,
        faults INT NOT NULL DEFAULT 0,
        next_attempt_at DATETIME(3) NOT NULL,
        lease_token BINARY(16) NULL,
        created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        ended_at DATETIME(3) NULL,
        last_error VARCHAR(500) NULL,
        KEY restock_mails_due (status, next_attempt_at),
        KEY restock_mails_of_user (product_id, user_id)
    )
    """,
]

OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def _missing(db, what, name):
    """Whether restock_notifications has no such column or index; MySQL knows no ADD … IF NOT
    EXISTS."""
    view, column = {
        "column": ("columns", "column_name"), "index": ("statistics", "index_name"),
    }[what]
    found = db.execute_sql(
        f"SELECT 1 FROM information_schema.{view} WHERE table_schema = DATABASE() "
        f"AND table_name = 'restock_notifications' AND {column} = %s LIMIT 1",
        (name,),
    )
    return found.fetchone() is None


def up(migrator, db):
    for table in TABLES:
        db.execute_sql(table + OPTIONS)
    if _missing(db, "column", "after_id"):
        db.execute_sql(
            "ALTER TABLE restock_notifications ADD COLUMN after_id BIGINT NOT NULL DEFAULT 0"
        )
    if _missing(db, "index", "restock_notifications_to_tell"):
        db.execute_sql(
            "CREATE INDEX restock_notifications_to_tell ON restock_notifications "
            "(product_id, after_id)"
        )
