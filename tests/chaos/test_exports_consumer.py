"""From Kafka to the data platform: the consumers' process and the platform are real ones."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from domain.exports import service
from domain.outbox.events import TOPICS
from infra.database import rows, session
from infra.kafka import producer
from tests.support import sales
from tests.support.fleet import Fleet
from tests.support.sales import Order, OrderMessage
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database", "redis")


@pytest.fixture
def fleet(services: TestServices, tmp_path: Path, database: None) -> Iterator[Fleet]:
    empty_topics()
    made = Fleet(
        services, tmp_path,
        {"DATA_PLATFORM_LATENCY": "0.05", "DATA_PLATFORM_FAILURE_RATE": "0.1",
         "DATA_PLATFORM_TIMEOUT": "5"},
    )
    yield made
    made.end()
    for each in (services.database, services.redis, services.kafka):
        if not each.running():
            each.start()


class Platform:
    """What the test asks the stand-in."""

    def __init__(self, fleet: Fleet) -> None:
        self._url = fleet.environment()["DATA_PLATFORM_URL"]
        self._http = urllib3.PoolManager(retries=False, timeout=2.0)
        eventually(self._healthy, what="the stand-in platform answers")

    def _healthy(self) -> bool:
        try:
            return self._http.request("GET", self._url + "/healthz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def ask(self, path: str) -> Any:
        return self._http.request("GET", self._url + path).json()

    def set(self, **wanted: Any) -> None:
        assert self._http.request("PUT", self._url + "/settings", json=wanted).status == 200

    def held(self) -> dict[int, list[str]]:
        """Event types by order, in the order in which they were first booked."""
        return {
            one["orderId"]: [event["type"] for event in one["events"]]
            for one in self.ask("/orders")["orders"]
        }


def given_orders(count: int) -> list[Order]:
    """Orders of which each third was cancelled."""
    now = sales.database_now()
    orders = [
        Order(number, now, ((1, 1), (2, 3)), cancelled=number % 3 == 0)
        for number in range(1, count + 1)
    ]
    sales.store_orders(orders)
    return orders


def owed(orders: list[Order]) -> dict[int, list[str]]:
    return {
        one.id: ["order.completed", "order.cancelled"] if one.cancelled else ["order.completed"]
        for one in orders
    }


def statuses() -> dict[str, int]:
    with session():
        return dict(rows("SELECT status, COUNT(*) FROM order_exports GROUP BY status"))  # type: ignore[arg-type]


def log_lines(fleet: Fleet, event: str) -> list[dict[str, Any]]:
    lines = fleet.log("consumers").read_text().splitlines()
    return [found for found in map(json.loads, lines) if found["event"] == event]


@pytest.mark.timeout(240)
def test_every_event_arrives_in_order_through_failures_and_a_kill(fleet: Fleet) -> None:
    # Given a platform that fails one call in ten, and the events of some hundred orders
    fleet.start("platform", "consumers", DATA_PLATFORM_CONCURRENCY="20")
    platform = Platform(fleet)
    orders = given_orders(300)
    events = sales.messages(orders)
    sales.publish(events[:100])
    eventually(lambda: platform.ask("/stats")["events"] > 60, 30)
    # When the consumers are killed with twenty calls under way, and started again. (A call lasts
    # shorter than the time-out: the leases left behind run out after the platform has answered.)
    platform.set(latencySeconds=0.8)
    sales.publish(events[100:])
    eventually(lambda: platform.ask("/stats")["open"] == 20, 30)
    fleet.kill("consumers")
    assert platform.ask("/stats")["events"] < len(events)
    left_behind = statuses()["sending"]
    platform.set(latencySeconds=0.05)
    fleet.start("consumers")
    # Then the platform has all of them, each order's in order, and never two calls at once for one
    eventually(lambda: statuses() == {"synced": len(events)}, 90)
    assert platform.held() == owed(orders)
    stats = platform.ask("/stats")
    assert (stats["events"], stats["overlapping"], stats["open"]) == (len(events), 0, 0)
    assert left_behind > 0
    assert stats["failed"] > 0
    # And the shop knows: each order is synced, failures cost calls and not orders
    status = [service.sync_status(order.id) or {} for order in orders]
    assert all(one["synced"] for one in status)
    assert sum(one["syncAttempts"] for one in status) > len(events)


def test_a_hundred_exports_a_second_at_two_seconds_a_call(fleet: Fleet) -> None:
    # Given a platform that takes two seconds for each call
    fleet.start("platform", "consumers", DATA_PLATFORM_TIMEOUT="10")
    platform = Platform(fleet)
    platform.set(latencySeconds=2.0, failureRate=0.0)
    # When a thousand events wait
    orders = given_orders(750)
    events = sales.messages(orders)
    sales.publish(events)
    eventually(lambda: statuses().get("synced") == len(events), 90)
    # Then as many calls are open at once as a hundred a second of 2 s each are, and no more than
    # the concurrency allows (the rate itself is as much the machine's: it is told, and not judged)
    with session():
        [(seconds,)] = rows(
            "SELECT TIMESTAMPDIFF(MICROSECOND, MIN(synced_at), MAX(synced_at)) / 1e6 + 2 "
            "FROM order_exports"
        )
    rate = len(events) / float(seconds)
    print(f"{rate:.0f} exports/s")
    assert 200 <= platform.ask("/stats")["mostOpen"] <= 320
    assert platform.held() == owed(orders)


def test_what_cannot_be_read_is_parked_and_holds_nothing_up(fleet: Fleet) -> None:
    # Given messages that are no order events between others that are
    fleet.start("platform", "consumers")
    platform = Platform(fleet)
    orders = given_orders(10)
    client = producer()
    good = sales.messages(orders)
    noise: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (b"\xff\x00", good[0].headers), (None, good[0].headers), (b"{}", []),
        (b"{}", good[0].headers),
    ]
    for number, event in enumerate(good):
        for value, headers in noise if number == 5 else []:
            client.produce(TOPICS["order"], key=b"1", value=value, headers=headers)
        client.produce(
            TOPICS["order"], key=str(event.order_id), value=event.value, headers=event.headers
        )
    assert client.flush(20) == 0
    # Then all events arrive
    eventually(lambda: platform.held() == owed(orders), 30)
    # And both consumers say loudly what they left aside, and where it is
    parked = eventually(
        lambda: found
        if len(found := log_lines(fleet, "message parked: it cannot be read")) == 8
        else None
    )
    assert {(one["group"], one["level"]) for one in parked} == {
        ("ranking", "error"), ("order-exports", "error")
    }
    assert len({(one["partition"], one["offset"]) for one in parked}) == 4


def test_goes_on_by_itself_after_the_database_was_away(
    fleet: Fleet, services: TestServices
) -> None:
    # Given consumers that have worked
    fleet.start("platform", "consumers")
    platform = Platform(fleet)
    orders = given_orders(60)
    events = sales.messages(orders)
    sales.publish(events[:20])
    eventually(lambda: statuses() == {"synced": 20}, 30)
    # When events come while the database is away
    services.database.stop()
    sales.publish(events[20:])
    eventually(lambda: log_lines(fleet, "consumer waits"), 30)
    eventually(lambda: log_lines(fleet, "exports wait for the database"), 30)
    services.database.start()
    # Then all arrive, without anybody starting anything again
    eventually(lambda: platform.held() == owed(orders), 60)
    fleet.stop("consumers")


def test_sigterm_lets_calls_end_and_the_next_process_goes_on(fleet: Fleet) -> None:
    # Given calls that take half a second, under way
    fleet.start("platform", "consumers", DATA_PLATFORM_CONCURRENCY="20")
    platform = Platform(fleet)
    platform.set(latencySeconds=0.5, failureRate=0.0)
    orders = given_orders(90)
    events = sales.messages(orders)
    publishing = threading.Thread(target=sales.publish, args=(events,))
    publishing.start()
    eventually(lambda: platform.ask("/stats")["open"] == 20, 30)
    # When told to end
    fleet.stop("consumers")
    publishing.join()
    # Then no call was cut off, and what was acknowledged is written down
    stats = platform.ask("/stats")
    assert stats["open"] == 0
    assert statuses().get("synced") == stats["events"] < len(events)
    assert "sending" not in statuses()
    # And the next process sends the rest, and nothing twice
    fleet.start("consumers")
    eventually(lambda: platform.held() == owed(orders), 30)
    assert platform.ask("/stats")["repeats"] == 0


def test_events_that_kafka_repeats_are_sent_once(fleet: Fleet) -> None:
    fleet.start("platform", "consumers")
    platform = Platform(fleet)
    platform.set(failureRate=0.0)
    orders = given_orders(20)
    events: list[OrderMessage] = sales.messages(orders)
    sales.publish(events + events[::2])
    sales.publish(events)
    eventually(lambda: statuses() == {"synced": len(events)}, 30)
    assert platform.ask("/stats")["requests"] == len(events)
