"""What the payment provider was asked for, one row a charge, and where it and the ledger differ.

``next_attempt_at`` says when a row is to be asked for (while a call lasts: when its lease ends) and
is NULL once there is nothing left to ask; ``held_until`` is NULL once the charge no longer holds
its key. So their indexes hold what is under way in front of nothing else.
"""

atomic = False

TABLES = [
    """
    CREATE TABLE IF NOT EXISTS payment_requests (
        job_id BIGINT NOT NULL PRIMARY KEY,
        job_uuid BINARY(16) NOT NULL,
        user_id BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        payment_method VARCHAR(200) NULL,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'asking',
        provider_id VARCHAR(255) NULL,
        reason VARCHAR(500) NULL,
        attempts INT NOT NULL DEFAULT 0,
        next_attempt_at DATETIME(3) NULL,
        held_until DATETIME(3) NULL,
        lease_token BINARY(16) NULL,
        last_error VARCHAR(500) NULL,
        created_at DATETIME(3) NOT NULL,
        decided_at DATETIME(3) NULL,
        reconciled_at DATETIME(3) NULL,
        UNIQUE KEY payment_requests_by_key (job_uuid),
        KEY payment_requests_due (next_attempt_at),
        KEY payment_requests_held (held_until),
        KEY payment_requests_unreconciled (status, reconciled_at, decided_at)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS payment_differences (
        payment_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
        kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        detail VARCHAR(500) NOT NULL,
        found_at DATETIME(3) NOT NULL,
        looked_at DATETIME(3) NOT NULL,
        open TINYINT NULL,
        accepted_at DATETIME(3) NULL,
        note VARCHAR(500) NULL,
        KEY payment_differences_open (open, looked_at)
    )
    """,
]

OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def up(migrator, db):
    for table in TABLES:
        db.execute_sql(table + OPTIONS)
