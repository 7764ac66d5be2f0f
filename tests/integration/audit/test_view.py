"""What audit looks at: one snapshot, as far back as things are kept, after waiting if asked to."""

import threading
import time
from typing import Any

import pytest

from audit import audit
from audit.report import Verdict
from domain.ranking import service as ranking
from infra.settings import settings
from infra.snapshot import SnapshotFailed, snapshot
from tests.integration.audit.shop import broken, corrupt
from tests.support.topics import empty_topics


def test_all_is_judged_in_one_snapshot(shop: None) -> None:
    # Given a shop that goes wrong while the audit runs
    def meanwhile(step: str) -> None:
        if step == "2 Stock":
            corrupt("UPDATE products SET stock = stock + 1")

    # When audited, Then it was right at the instant of the snapshot
    assert broken(audit(settings(), tell=meanwhile)) == {}
    # And the next audit sees it
    assert broken(audit(settings())) == {2: {"stock-sum"}}


def test_the_snapshot_reads_only(shop: None) -> None:
    with snapshot(settings().database_url) as view, pytest.raises(SnapshotFailed):
        list(view.rows("DELETE FROM products"))


@pytest.mark.parametrize(
    ("changed", "number", "says"),
    [
        ({"kafka_bootstrap_servers": "127.0.0.1:1"}, 6, "events in Kafka"),
        ({"kafka_stand_in": True}, 6, "KAFKA_STAND_IN"),
        ({"redis_url": "redis://127.0.0.1:1/0"}, 7, "Redis is away"),
    ],
    ids=["no broker", "stand-in", "no Redis"],
)
def test_what_cannot_be_checked_is_named(
    shop: None, changed: dict[str, Any], number: int, says: str
) -> None:
    # Given a dependency that is not there, When audited
    report = audit(settings().model_copy(update=changed))
    # Then that invariant is unchecked, with the reason, and the others hold
    unchecked = [one for one in report.findings if one.status is Verdict.UNCHECKED]
    assert [one.number for one in unchecked] == [number]
    assert says in unchecked[0].unchecked[0]
    assert (report.exit_code, report.ok) == (2, False)


def test_a_broken_invariant_outweighs_an_unchecked_one(shop: None) -> None:
    corrupt("UPDATE products SET stock = stock + 1")
    report = audit(settings().model_copy(update={"kafka_stand_in": True}))
    assert report.exit_code == 1


def test_without_a_database_nothing_is_checked() -> None:
    url = "mysql://shop:shop@127.0.0.1:1/shop"
    report = audit(settings().model_copy(update={"database_url": url}))
    assert {one.status for one in report.findings} == {Verdict.UNCHECKED}
    assert report.exit_code == 2
    assert "127.0.0.1" in (report.nothing_checked or "")


AGED = (
    "UPDATE orders SET created_at = created_at - INTERVAL 40 DAY, "
    "cancelled_at = cancelled_at - INTERVAL 40 DAY",
    "UPDATE user_coupons SET issued_at = issued_at - INTERVAL 40 DAY",
    "UPDATE balance_history SET created_at = created_at - INTERVAL 40 DAY",
)


def test_jobs_and_events_that_were_purged_are_not_missed(whole_shop: None) -> None:
    # Given effects older than what is kept, without their jobs, keys and events
    corrupt(
        *AGED,
        "DELETE FROM payment_requests WHERE status = 'asking'",
        "DELETE FROM jobs WHERE claim_hash IS NULL",
        "DELETE FROM outbox_events",
        "DELETE FROM idempotency_keys WHERE expires_at IS NOT NULL",
    )
    empty_topics()
    ranking.rebuild()
    # When audited, Then nothing is wrong
    assert broken(audit(settings())) == {}
    # But a job that a transactionId names is kept for ever
    corrupt("DELETE FROM jobs")
    assert broken(audit(settings())) == {1: {"charge-without-job", "key-without-job"}}


def test_an_aged_effect_is_still_held_to_the_job_that_is_there(shop: None) -> None:
    corrupt(*AGED, "UPDATE jobs SET user_id = 3 WHERE kind = 'order.place' AND user_id = 1")
    assert "order-without-job" in broken(audit(settings()))[1]


def test_waiting_ends_when_nothing_is_under_way(shop: None) -> None:
    # Given jobs that end a second from now
    corrupt("UPDATE jobs SET accepted_at = accepted_at - INTERVAL 5 MINUTE "
            "WHERE status IN ('queued', 'running')",
            "UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND "
            "WHERE lease_token IS NOT NULL")
    assert broken(audit(settings())) == {1: {"job-stuck"}}
    ended = (
        "UPDATE jobs SET status = 'cancelled', finished_at = NOW(3), queue_lane = NULL, "
        "queue_key = NULL, lease_token = NULL, lease_until = NULL "
        "WHERE status IN ('queued', 'running')"
    )
    answered = (
        "UPDATE payment_requests SET status = 'declined', decided_at = NOW(3), "
        "next_attempt_at = NULL, held_until = NULL WHERE status = 'asking'"
    )
    timer = threading.Timer(1.0, corrupt, [ended, answered])
    timer.start()
    # When audited with patience
    began = time.monotonic()
    report = audit(settings(), wait=30)
    timer.join()
    # Then it waited for them, and no longer
    assert 1.0 <= time.monotonic() - began < 15
    assert report.exit_code == 0
    assert report.findings[0].under_way["jobsQueued"] == 0


def test_waiting_ends_after_its_time(shop: None) -> None:
    # Given work that does not end, When audited with a second's patience
    began = time.monotonic()
    report = audit(settings(), wait=1)
    # Then it is judged as it stands
    assert 1.0 <= time.monotonic() - began < 10
    assert report.findings[0].under_way["jobsRunning"] == 3
