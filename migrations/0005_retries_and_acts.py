"""A failed job is retried once, and what admins did is found by who did it and by what it was."""

atomic = False

INDEXES = [
    ("jobs", "jobs_retried_once", "CREATE UNIQUE INDEX jobs_retried_once ON jobs (retry_of)"),
    (
        "admin_audit", "admin_audit_by_admin",
        "CREATE INDEX admin_audit_by_admin ON admin_audit (admin_id, id)",
    ),
    (
        "admin_audit", "admin_audit_by_action",
        "CREATE INDEX admin_audit_by_action ON admin_audit (action, id)",
    ),
]


def _missing(db, table, index):
    """Whether ``table`` has no such index; MySQL knows no CREATE INDEX IF NOT EXISTS."""
    found = db.execute_sql(
        "SELECT 1 FROM information_schema.statistics "
        "WHERE table_schema = DATABASE() AND table_name = %s AND index_name = %s LIMIT 1",
        (table, index),
    )
    return found.fetchone() is None


def up(migrator, db):
    for table, index, statement in INDEXES:
        if _missing(db, table, index):
            db.execute_sql(statement)
