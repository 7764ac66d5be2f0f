"""The job machinery and the outbox.

``queue_lane`` and ``queue_key`` hold a job's lane and concurrency key until it ends and are NULL
from then on: so the two indexes that the drain reads hold waiting work in front of nothing else,
and a change from queued to running touches no index.
"""

atomic = False

TABLES = [
    """
    CREATE TABLE IF NOT EXISTS jobs (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        uuid BINARY(16) NOT NULL,
        kind VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        user_id BIGINT NOT NULL,
        caller_id BIGINT NOT NULL,
        concurrency_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        queue_lane VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
        queue_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
        seq BIGINT NOT NULL DEFAULT 0,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'queued',
        payload MEDIUMTEXT NOT NULL,
        result MEDIUMTEXT NULL,
        error MEDIUMTEXT NULL,
        attempts INT NOT NULL DEFAULT 0,
        accepted_at DATETIME(3) NOT NULL,
        started_at DATETIME(3) NULL,
        finished_at DATETIME(3) NULL,
        due_at DATETIME(3) NULL,
        failing_since DATETIME(3) NULL,
        lease_token BINARY(16) NULL,
        lease_until DATETIME(3) NULL,
        suspect TINYINT NOT NULL DEFAULT 0,
        lost_alone INT NOT NULL DEFAULT 0,
        retry_of BINARY(16) NULL,
        claim_hash BINARY(32) NULL,
        system_failure TINYINT NULL,
        traceparent VARCHAR(55) CHARACTER SET ascii COLLATE ascii_bin NULL,
        UNIQUE KEY jobs_by_uuid (uuid),
        KEY jobs_waiting_in_lane (queue_lane, id, queue_key),
        KEY jobs_waiting_in_key (queue_key, seq, id),
        KEY jobs_of_user (user_id, id),
        KEY jobs_failed_by_system (system_failure, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS idempotency_keys (
        hash BINARY(32) NOT NULL PRIMARY KEY,
        job_uuid BINARY(16) NOT NULL,
        body_hash BINARY(32) NOT NULL,
        expires_at DATETIME(3) NULL,
        KEY idempotency_keys_by_expiry (expires_at)
    )
    """,
    # Debezium's outbox event router can read this table as it is. ``pending_shard`` is NULL once
    # the event is published or dead, for the same reason as jobs.queue_lane.
    """
    CREATE TABLE IF NOT EXISTS outbox_events (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        event_id BINARY(16) NOT NULL,
        aggregatetype VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        aggregateid BIGINT NOT NULL,
        type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        payload MEDIUMTEXT NOT NULL,
        traceparent VARCHAR(55) CHARACTER SET ascii COLLATE ascii_bin NULL,
        created_at DATETIME(3) NOT NULL,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
        pending_shard SMALLINT NULL,
        attempts INT NOT NULL DEFAULT 0,
        next_attempt_at DATETIME(3) NULL,
        published_at DATETIME(3) NULL,
        dead_at DATETIME(3) NULL,
        last_error VARCHAR(500) NULL,
        KEY outbox_events_pending (pending_shard, id),
        KEY outbox_events_dead (dead_at),
        KEY outbox_events_waiting (next_attempt_at)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS shard_leases (
        shard SMALLINT NOT NULL PRIMARY KEY,
        holder VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        lease_until DATETIME(3) NOT NULL
    )
    """,
]

OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def up(migrator, db):
    for table in TABLES:
        db.execute_sql(table + OPTIONS)
