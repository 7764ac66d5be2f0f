"""Answers kept for their Idempotency-Key, and a category's products by age.

What an admin creates or restocks is done at once and has no job: its key holds the answer itself.
"""

atomic = False


def _missing(db, what, table, name):
    """Whether ``table`` has no such column or index; MySQL knows no ADD … IF NOT EXISTS."""
    view, column = {
        "column": ("columns", "column_name"), "index": ("statistics", "index_name"),
    }[what]
    found = db.execute_sql(
        f"SELECT 1 FROM information_schema.{view} "
        f"WHERE table_schema = DATABASE() AND table_name = %s AND {column} = %s LIMIT 1",
        (table, name),
    )
    return found.fetchone() is None


def up(migrator, db):
    if _missing(db, "column", "idempotency_keys", "answer"):
        db.execute_sql("ALTER TABLE idempotency_keys ADD COLUMN answer MEDIUMTEXT NULL")
    if _missing(db, "index", "products", "products_by_category_and_age"):
        db.execute_sql("CREATE INDEX products_by_category_and_age ON products (category, id)")
