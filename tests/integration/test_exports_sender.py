"""Exports from the table to a platform, on a real database; the platform is played by the test."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import orjson
import peewee
import pytest

from domain.exports import sender as sender_module
from domain.exports import service, store
from domain.exports.sender import Sender
from infra.data_platform import Reply
from infra.database import execute, rows, run_transaction, session
from tests.support import sales
from tests.support.sales import Order
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

Answer = Callable[[UUID, dict], Reply]


def accept(event_id: UUID, event: dict) -> Reply:
    return Reply(201, orjson.dumps({"eventId": str(event_id)}))


class PlayedPlatform:
    """Notes each call, and answers as the test says at that moment."""

    def __init__(self, answer: Answer = accept, seconds: float = 0.0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.calls: dict[int, list[str]] = defaultdict(list)
        self.keys: list[UUID] = []
        self.open: dict[int, int] = defaultdict(int)
        self.overlapping = 0
        self.most_open = 0
        self._lock = threading.Lock()

    def send(self, event_id: UUID, body: bytes) -> Reply:
        event = orjson.loads(body)
        order_id = event["order"]["orderId"]
        with self._lock:
            self.keys.append(event_id)
            self.calls[order_id].append(event["type"])
            self.open[order_id] += 1
            self.overlapping += self.open[order_id] > 1
            self.most_open = max(self.most_open, sum(self.open.values()))
        time.sleep(self.seconds)
        try:
            return self.answer(event_id, event)
        finally:
            with self._lock:
                self.open[order_id] -= 1


@contextmanager
def sending(
    platform: PlayedPlatform, at_end: Callable[[], object] = lambda: None, **options: float
) -> Iterator[Sender]:
    """A sender as long as the block runs; ``at_end`` is called when it has been told to end."""
    values = {"concurrency": 32, "tries": 3, "lease_seconds": 30, **options}
    sender, stop = Sender(platform, **values), threading.Event()  # type: ignore[arg-type]
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        yield sender
    finally:
        stop.set()
        at_end()
        thread.join(40)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once: what is tested is that they come, and in which order."""
    monkeypatch.setattr(sender_module, "random", lambda: 0.0)
    monkeypatch.setattr(sender_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(sender_module, "TAKE_OVER_SECONDS", 0.05)


def given_orders(count: int, *, cancelled: bool = False) -> list[Order]:
    now = sales.database_now()
    orders = [Order(1 + number, now, ((1, 1),), cancelled) for number in range(count)]
    sales.store_orders(orders)
    return orders


def arrive(orders: list[Order]) -> list[UUID]:
    found = [
        service.Arrival(one.event_id, one.order_id, one.type, one.value.decode())
        for one in sales.messages(orders)
    ]
    service.arrive(found)
    return [one.event_id for one in found]


def statuses() -> dict[str, int]:
    with session():
        return dict(rows("SELECT status, COUNT(*) FROM order_exports GROUP BY status"))  # type: ignore[arg-type]


def test_an_event_that_comes_again_is_kept_as_it_is() -> None:
    # Given an event that was sent already
    [order] = given_orders(1)
    [message] = sales.messages([order])
    arrival = service.Arrival(message.event_id, order.id, message.type, message.value.decode())
    service.arrive([arrival, arrival])
    with sending(PlayedPlatform()):
        eventually(lambda: statuses() == {"synced": 1})
    # When it comes again, beside a new one
    service.arrive([arrival, service.Arrival(uuid4(), order.id, "order.cancelled", "{}")])
    # Then only the new one waits
    assert statuses() == {"synced": 1, "pending": 1}


def test_each_orders_events_arrive_in_order_one_at_a_time_whatever_fails() -> None:
    # Given a platform that fails each second call, in different ways
    count, lock = iter(range(10**9)), threading.Lock()

    def every_second(event_id: UUID, event: dict) -> Reply:
        with lock:
            number = next(count)
        failures = [Reply(500), Reply(200, b"<html>"), Reply(error="cut"), Reply(429)]
        return failures[number // 2 % 4] if number % 2 else accept(event_id, event)

    platform = PlayedPlatform(every_second, seconds=0.005)
    # When completed and cancelled orders arrive and are sent by two senders at once
    orders = given_orders(60, cancelled=True)
    with sending(platform, tries=50), sending(platform, tries=50):
        arrive(orders)
        eventually(lambda: statuses() == {"synced": 120}, 40)
    # Then no order's cancel was sent before its completion was acknowledged
    assert platform.overlapping == 0
    assert platform.most_open > 8
    for calls in platform.calls.values():
        assert calls == sorted(calls, key=["order.completed", "order.cancelled"].index)
        assert set(calls) == {"order.completed", "order.cancelled"}


def test_sync_status_tells_how_far_an_order_is() -> None:
    # Given an order whose event has not come yet, and one that does not exist
    orders = given_orders(1)
    assert service.sync_status(99) is None
    assert service.sync_status(1) == {"orderId": 1, "synced": False, "syncAttempts": 0}
    # When the platform fails once, then takes it
    platform = PlayedPlatform(lambda *_: Reply(500, b"oops"))
    arrive(orders)
    with sending(platform, tries=100):
        failing = eventually(lambda: (service.sync_status(1) or {}).get("lastSyncError"))
        assert failing == "answered 500: oops"
        platform.answer = accept
        eventually(lambda: (service.sync_status(1) or {})["synced"])
    # Then the status says when, after how many calls, and what had gone wrong
    status = service.sync_status(1) or {}
    assert status["syncedAt"].endswith("Z")
    assert status["syncAttempts"] == len(platform.keys) > 1
    assert status["lastSyncError"] == "answered 500: oops"
    # When the order is cancelled, it owes another event
    sales.cancel_order(orders[0])
    assert (service.sync_status(1) or {})["synced"] is False
    assert "syncedAt" not in (service.sync_status(1) or {})


def test_a_rejected_order_dies_after_its_last_try_and_lets_its_next_event_by() -> None:
    # Given a platform that wants no completed orders
    def picky(event_id: UUID, event: dict) -> Reply:
        if event["type"] == "order.completed":
            return Reply(422, b'{"error":"no"}')
        return accept(event_id, event)

    platform = PlayedPlatform(picky)
    arrive(given_orders(1, cancelled=True))
    # When it was tried three times
    with sending(platform, tries=3):
        eventually(lambda: statuses() == {"dead": 1, "synced": 1})
    # Then it is dead, and what came after it was sent
    assert platform.calls[1] == ["order.completed"] * 3 + ["order.cancelled"]
    status = service.sync_status(1)
    assert status == {
        "orderId": 1, "synced": False, "syncAttempts": 4,
        "lastSyncError": 'answered 422: {"error":"no"}',
    }


def test_resync_sends_again_under_the_same_keys_with_all_tries() -> None:
    # Given an order with one dead and one acknowledged export
    platform = PlayedPlatform(lambda *_: Reply(400))
    keys = arrive(given_orders(1, cancelled=True))
    assert service.resync(99, 1) is None
    with sending(platform, tries=2):
        eventually(lambda: statuses() == {"dead": 2})
        # When the platform has changed its mind, and an operator sends the order again
        platform.answer, platform.keys = accept, []
        status = service.resync(1, 1) or {}
        assert (status["synced"], status["syncAttempts"]) == (False, 4)
        eventually(lambda: (service.sync_status(1) or {})["synced"])
        assert platform.keys == keys
        # And once more, though it is there already
        platform.keys = []
        service.resync(1, 1)
        eventually(lambda: (service.sync_status(1) or {})["synced"])
    # Then it was sent again in its order, under the keys that it always had
    assert platform.keys == keys
    assert (service.sync_status(1) or {})["syncAttempts"] == 8


def test_a_platform_that_is_away_costs_no_export_a_try(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given exports that have a single try each, and a platform that cannot be reached
    away = Reply(error="refused", reached=False)
    platform = PlayedPlatform(lambda *_: away)
    arrive(given_orders(20))
    with sending(platform, tries=1):
        eventually(lambda: len(platform.keys) > 20)
        # Then calls are held back, and nobody dies of it
        assert set(statuses()) <= {"pending", "sending"}
        called = len(platform.keys)
        time.sleep(0.5)
        assert len(platform.keys) <= called + 1
        # And all is sent when it is back
        platform.answer = accept
        eventually(lambda: statuses() == {"synced": 20})


def test_a_lease_that_ran_out_is_taken_over_and_the_late_answer_fenced_off() -> None:
    # Given a sender that was paused with its export until its lease ran out
    [event_id] = arrive(given_orders(1))
    gone = uuid4().bytes
    with session():
        due = store.due(10)
    [claimed] = run_transaction(lambda: store.claim(gone, due, seconds=0.3))
    assert claimed.event_id == event_id
    # When another works
    platform = PlayedPlatform()
    with sending(platform):
        eventually(lambda: statuses() == {"synced": 1})
    # Then it was sent by that one, and what the first has to say changes nothing any more
    late = store.Failure(event_id, "late", fault=True, delay=None)
    assert run_transaction(lambda: store.failed(gone, [late])) == 0
    assert run_transaction(lambda: store.synced(gone, [event_id])) == 0
    assert run_transaction(lambda: store.release(gone, [event_id])) == 0
    assert statuses() == {"synced": 1}


def test_a_live_lease_is_nobody_elses() -> None:
    arrive(given_orders(3))
    with session():
        due = store.due(10)
    assert len(run_transaction(lambda: store.claim(uuid4().bytes, due, seconds=30))) == 3
    assert run_transaction(lambda: store.claim(uuid4().bytes, due, seconds=30)) == []
    with session():
        assert store.due(10) == []
    assert run_transaction(lambda: store.take_over(10)) == 0


def test_the_end_waits_for_calls_under_way_and_begins_none() -> None:
    # Given calls that last until the sender has been told to end, and a while longer
    gate = threading.Event()
    platform = PlayedPlatform(lambda *both: (gate.wait(20), accept(*both))[1])
    with sending(platform, at_end=threading.Timer(0.4, gate.set).start, concurrency=4):
        arrive(given_orders(12))
        eventually(lambda: sum(platform.open.values()) == 4)
        # When the sender is told to end
    # Then those under way ended and are written down; the others wait for the next process
    assert statuses() == {"synced": 4, "pending": 8}


def test_calls_that_outlast_the_end_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a call that hangs for longer than the end may take
    monkeypatch.setattr(sender_module, "FINISH_SECONDS", 0.2)
    gate = threading.Event()
    platform = PlayedPlatform(lambda *both: (gate.wait(20), accept(*both))[1])
    with sending(platform):
        arrive(given_orders(1))
        eventually(lambda: platform.keys)
    gate.set()
    # Then another process need not wait for its lease to run out
    assert statuses() == {"pending": 1}
    with session():
        assert len(store.due(10)) == 1


def test_a_call_that_breaks_is_a_failure_and_not_the_end() -> None:
    # Given a client with a fault of its own
    def broken(event_id: UUID, event: dict) -> Reply:
        if len(platform.keys) == 1:
            raise RuntimeError("a bug")
        return accept(event_id, event)

    platform = PlayedPlatform(broken)
    arrive(given_orders(1))
    # Then the export is tried again
    with sending(platform):
        eventually(lambda: statuses() == {"synced": 1})
    assert (service.sync_status(1) or {})["lastSyncError"] == "RuntimeError('a bug')"


def test_answers_are_kept_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a database that refuses to be written to for a while
    refused = []
    write = store.synced

    def refusing(token: bytes, event_ids: list[UUID]) -> int:
        if len(refused) < 3:
            refused.append(event_ids)
            raise peewee.OperationalError(2013, "Lost connection")
        return write(token, event_ids)

    monkeypatch.setattr(store, "synced", refusing)
    platform = PlayedPlatform()
    # When a call ended meanwhile
    with sending(platform):
        arrive(given_orders(1))
        eventually(lambda: statuses() == {"synced": 1})
    # Then it is written down when the database is back, without a second call
    assert len(refused) == 3
    assert len(platform.keys) == 1


def rows_read() -> int:
    """How many index entries and rows this session has read so far."""
    found = rows("SHOW SESSION STATUS LIKE %s", ("Handler_read%",))
    return sum(int(count) for _, count in found)


@pytest.mark.parametrize(
    "question",
    [
        lambda: store.due(100),
        lambda: store.take_over(100),
        lambda: store.waiting(100),
        lambda: store.of_order(1),
        lambda: store.rearm(1),
    ],
    ids=["due", "take_over", "waiting", "of_order", "rearm"],
)
def test_every_question_to_the_table_has_its_index(question: Callable[[], object]) -> None:
    # Given a table that holds mostly what is done with
    done = [
        service.Arrival(uuid4(), number, "order.completed", "{}") for number in range(100, 3100)
    ]
    service.arrive(done)
    with session():
        execute("UPDATE order_exports SET status = 'synced', pending_order_id = NULL")
        execute("ANALYZE TABLE order_exports")
    arrive(given_orders(5))
    # Then it reads no more than there is to be found
    with session():
        before = rows_read()
        question()
        assert rows_read() - before < 60
