"""The purge takes what has ended long enough ago, and nothing else."""

import threading
from typing import Any

import pytest

from domain.retention import rules, service, store
from infra.database import execute, rows, session

pytestmark = pytest.mark.usefixtures("database")

DAYS = 30


def ago(days: int | None) -> str:
    return "NULL" if days is None else f"NOW(3) - INTERVAL {days * 24 + 1} HOUR"


def job(accepted: int, finished: int | None, claim: str | None = None) -> int:
    return _insert(
        "INSERT INTO jobs (uuid, kind, user_id, caller_id, concurrency_key, status, payload, "
        f"accepted_at, finished_at, claim_hash) VALUES (RANDOM_BYTES(16), 'x', 1, 1, 'user:1', "
        f"'succeeded', '{{}}', {ago(accepted)}, {ago(finished)}, %s)",
        claim,
    )


def outbox_event(created: int, status: str, ended: int | None = None) -> int:
    published, dead = (ended, None) if status == "published" else (None, ended)
    return _insert(
        "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, status, "
        "pending_shard, created_at, published_at, dead_at) VALUES (RANDOM_BYTES(16), 'order', 1, "
        f"'x', '{{}}', '{status}', %s, {ago(created)}, {ago(published)}, {ago(dead)})",
        1 if status == "pending" else None,
    )


def export(created: int, synced: int | None) -> int:
    return _insert(
        "INSERT INTO order_exports (event_id, order_id, type, payload, next_attempt_at, "
        f"created_at, synced_at) VALUES (RANDOM_BYTES(16), %s, 'x', '{{}}', NOW(3), "
        f"{ago(created)}, {ago(synced)})",
        1,
    )


def key(expires_at: str) -> None:
    with session():
        execute(
            "INSERT INTO idempotency_keys (hash, job_uuid, body_hash, expires_at) VALUES "
            f"(RANDOM_BYTES(32), RANDOM_BYTES(16), RANDOM_BYTES(32), {expires_at})"
        )


def _insert(sql: str, value: Any) -> int:
    with session():
        return int(execute(sql, (value,)).lastrowid)


def keys_of(table: str, column: str = "id") -> list[int]:
    with session():
        return [value for (value,) in rows(f"SELECT {column} FROM {table} ORDER BY {column}")]


def test_ended_jobs_go_after_their_days_and_those_a_transaction_id_names_never() -> None:
    # Given jobs of all ages
    old = [job(50, 40), job(40, 31)]
    kept = [
        job(50, 40, claim="c" * 32),
        job(50, None),  # accepted long ago, and not ended
        job(50, 29),  # ended not long ago
        job(1, 1),
    ]
    # When the purge runs, twice
    assert service.purge(DAYS)["jobs"] == len(old)
    assert service.purge(DAYS)["jobs"] == 0
    # Then the others are there
    assert keys_of("jobs") == kept


def test_a_job_that_has_come_to_stay_since_it_was_judged_is_not_deleted() -> None:
    kept = job(50, 40, claim="c" * 32)
    with session():
        assert store.delete(rules.JOBS, [kept], DAYS) == 0
    assert keys_of("jobs") == [kept]


def test_published_events_go_and_dead_and_waiting_ones_never() -> None:
    outbox_event(40, "published", 31)
    kept = [
        outbox_event(40, "dead", 40),
        outbox_event(40, "pending"),
        outbox_event(40, "published", 29),
        outbox_event(1, "published", 1),
    ]
    outbox_event(40, "published", 40)  # behind a young one in the same window: goes as well
    assert service.purge(DAYS)["outbox_events"] == 2
    assert keys_of("outbox_events") == kept


def test_synced_exports_go_and_others_stay() -> None:
    export(40, 31)
    kept = [export(40, None), export(40, 29)]
    assert service.purge(DAYS)["order_exports"] == 1
    assert keys_of("order_exports", "position") == kept


def test_expired_keys_go_and_transaction_ids_stay() -> None:
    key("NOW(3) - INTERVAL 1 SECOND")
    key(ago(10))
    key("NULL")
    key("NOW(3) + INTERVAL 1 HOUR")
    assert service.purge(DAYS)["idempotency_keys"] == 2
    with session():
        assert rows("SELECT COUNT(*), COUNT(expires_at) FROM idempotency_keys") == [(2, 1)]


def test_ledgers_and_orders_are_not_touched() -> None:
    with session():
        execute(
            "INSERT INTO balance_history (user_id, kind, amount, previous_balance, "
            f"current_balance, created_at) VALUES (1, 'charge', 1, 0, 1, {ago(400)})"
        )
        execute(
            "INSERT INTO stock_movements (product_id, kind, quantity, created_at) "
            f"VALUES (1, 'opening', 1, {ago(400)})"
        )
        execute(
            "INSERT INTO orders (user_id, total_amount, discount_amount, final_amount, status, "
            f"created_at) VALUES (1, 1, 0, 1, 'COMPLETED', {ago(400)})"
        )
    service.purge(DAYS)
    for table in ("balance_history", "stock_movements", "orders"):
        assert len(keys_of(table)) == 1


def test_many_go_in_batches_and_the_next_purge_begins_behind_what_stays_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given batches of three, rows kept for ever, and one that has not ended in the middle
    monkeypatch.setattr(service, "BATCH", 3)
    monkeypatch.setattr(service, "REST_SECONDS", 0)
    for_ever = [job(50, 40, claim="c" * 32) for _ in range(7)]
    for _ in range(8):
        job(50, 40)
    open_job = job(50, None)
    for _ in range(5):
        job(50, 40)
    # When the purge has run
    assert service.purge(DAYS)["jobs"] == 13
    assert keys_of("jobs") == [*for_ever, open_job]
    # Then the next begins at the open one, and takes it once it has ended
    seen: list[int] = []
    window = service.store.window
    monkeypatch.setattr(
        service.store,
        "window",
        lambda table, after, *rest: (seen.append(after), window(table, after, *rest))[1],
    )
    with session():
        execute(f"UPDATE jobs SET finished_at = {ago(40)} WHERE id = %s", (open_job,))
    assert service.purge(DAYS)["jobs"] == 1
    assert seen[0] == open_job - 1
    assert keys_of("jobs") == for_ever


def test_a_purge_told_to_stop_ends_and_goes_on_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BATCH", 3)
    for _ in range(10):
        outbox_event(50, "published", 40)
    stopping = threading.Event()
    stopping.set()
    assert service.purge(DAYS, stopping)["outbox_events"] == 0
    assert service.purge(DAYS)["outbox_events"] == 10
