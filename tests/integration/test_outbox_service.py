"""What operators see of the outbox, and do to it."""

import uuid

import pytest

from domain.outbox import service
from domain.outbox.errors import NoSuchEvent
from domain.outbox.events import TOPICS, shard_of
from infra.database import execute, session
from tests.support.outbox import event, given_events, outbox

pytestmark = pytest.mark.usefixtures("database", "redis")


def book(_: str, __: int) -> None:
    """Nobody asks who did it."""


def kill(*row_ids: int) -> None:
    with session():
        for row_id in row_ids:
            execute(
                "UPDATE outbox_events SET status = 'dead', dead_at = NOW(3), pending_shard = NULL, "
                "attempts = 5, last_error = 'too large' WHERE id = %s",
                (row_id,),
            )


def publish(*row_ids: int) -> None:
    with session():
        for row_id in row_ids:
            execute(
                "UPDATE outbox_events SET status = 'published', published_at = NOW(3), "
                "pending_shard = NULL WHERE id = %s",
                (row_id,),
            )


def test_a_dead_event_is_redriven_to_its_own_shard_with_all_attempts() -> None:
    # Given dead events of all types and many aggregates
    kinds = list(TOPICS)
    events = [event(10**at, at, kinds[at % 4]) for at in range(16)]
    row_ids = given_events(*events)
    kill(*row_ids)
    # When all are redriven, Then each is where its aggregate's events are
    assert service.redrive_all(book) == 16
    assert outbox("status, attempts, dead_at, pending_shard") == [
        ("pending", 0, None, shard_of(one.aggregate_type, one.aggregate_id)) for one in events
    ]
    assert service.redrive_all(book) == 0


def test_redriving_what_is_not_dead_changes_nothing() -> None:
    waiting, done = given_events(event(1), event(2))
    publish(done)
    assert service.redrive(waiting, book)["status"] == "pending"
    assert service.redrive(done, book)["status"] == "published"
    assert outbox("status") == [("pending",), ("published",)]


def test_redriving_what_is_not_there_is_refused() -> None:
    with pytest.raises(NoSuchEvent):
        service.redrive(12345, book)


@pytest.mark.parametrize("status", [None, "pending", "published", "dead"])
def test_events_are_listed_newest_first_page_by_page(status: str | None) -> None:
    # Given events of each status, mixed
    row_ids = given_events(*[event(at, at) for at in range(90)])
    publish(*row_ids[0::3])
    kill(*row_ids[1::3])
    start = {None: None, "published": 0, "dead": 1, "pending": 2}[status]
    expected = row_ids if start is None else row_ids[start::3]
    # When they are read in pages of seven
    seen, cursor = [], None
    while True:
        page, cursor = service.list_events(status, 7, cursor)
        assert len(page) <= 7
        seen += page
        if cursor is None:
            break
    # Then each was there once, newest first
    assert [one["id"] for one in seen] == expected[::-1]
    assert status is None or {one["status"] for one in seen} == {status}


def test_a_listed_event_says_what_it_is_and_what_went_wrong() -> None:
    [row_id] = given_events(event(42, 1, "wallet"))
    kill(row_id)
    [[shown], _] = service.list_events("dead", 10)
    assert uuid.UUID(shown.pop("eventId")).version == 7
    assert shown.pop("createdAt") <= shown.pop("deadAt")
    assert shown == {
        "id": row_id, "aggregateType": "wallet", "aggregateId": 42, "type": "wallet.happened",
        "status": "dead", "attempts": 5, "lastError": "too large",
    }


def test_an_unknown_status_or_cursor_is_refused() -> None:
    with pytest.raises(ValueError, match="status"):
        service.list_events("lost", 10)
    with pytest.raises(ValueError, match="invalid literal"):
        service.list_events("dead", 10, "x")


def test_what_waits_is_counted_up_to_the_limit_with_its_age(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row_ids = given_events(*[event(at) for at in range(30)])
    publish(*row_ids[:5])
    with session():
        execute(
            "UPDATE outbox_events SET created_at = NOW(3) - INTERVAL 90 SECOND WHERE id = %s",
            (row_ids[5],),
        )
    stats = service.pending_stats()
    assert stats.count == 25
    assert 89 < stats.oldest_seconds < 120
    monkeypatch.setattr(service, "COUNT_LIMIT", 10)
    assert service.pending_stats().count == 10


def test_nothing_waiting_is_no_age() -> None:
    assert service.pending_stats() == service.PendingStats(0, 0.0)
