"""What the topics tell of and a restored database does not know: written by ``reconcile``.

With its payload, since the topics forget it after days and somebody may still have to make it good.
"""

atomic = False

TABLE = """
    CREATE TABLE IF NOT EXISTS lost_events (
        event_id BINARY(16) NOT NULL PRIMARY KEY,
        aggregatetype VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        aggregateid BIGINT NOT NULL,
        type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        payload MEDIUMTEXT NOT NULL,
        happened_at DATETIME(3) NOT NULL,
        recorded_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
"""


def up(migrator, db):
    db.execute_sql(TABLE)
