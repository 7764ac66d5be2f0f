"""The stand-in platform's book and settings: what other tests believe it by."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from simulators.data_platform import create_app
from simulators.platform_behaviour import Behaviour, Mode
from simulators.platform_book import Book


def test_books_each_key_once_in_the_order_of_first_booking() -> None:
    book = Book()
    first = {"eventId": "a", "type": "order.completed", "order": {"orderId": 7}}
    second = {"eventId": "b", "type": "order.cancelled", "order": {"orderId": 7}}
    assert book.keep("a", 7, first)
    assert book.keep("b", 7, second)
    assert not book.keep("a", 7, {"eventId": "a", "type": "forged", "order": {"orderId": 7}})
    assert book.order(7) == [first, second]
    assert book.order(8) is None
    assert (book.stats()["events"], book.stats()["repeats"]) == (2, 1)
    assert [one["orderId"] for one in book.orders(0, 10)] == [7]
    assert book.orders(7, 10) == []


def test_notices_two_requests_about_one_order_at_once() -> None:
    book = Book()
    book.enter(1)
    book.enter(2)
    assert book.stats()["overlapping"] == 0
    book.enter(2)
    assert (book.stats()["overlapping"], book.stats()["mostOpen"]) == (1, 3)
    for order_id in (1, 2, 2):
        book.leave(order_id)
    assert book.stats()["open"] == 0


def test_settings_change_in_part() -> None:
    behaviour = Behaviour(2.0, 0.1).changed({"mode": "hang"}).changed({"failureRate": 0})
    assert behaviour == Behaviour(2.0, 0.0, Mode.HANG)


@pytest.mark.parametrize(
    "wanted",
    [[], {"latency": 1}, {"latencySeconds": -1}, {"latencySeconds": "1"}, {"failureRate": 1.1},
     {"failureRate": True}, {"mode": "merry"}],
)
def test_settings_that_cannot_be_are_refused(wanted: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Behaviour(2.0, 0.1).changed(wanted)


def client(chances: list[float] | None = None) -> FlaskClient:
    """The platform without delay; its chances are what the test says, or never a failure."""
    drawn = iter(chances or [])
    return create_app(Behaviour(0.0, 0.5), lambda: next(drawn, 1.0)).test_client()


def post(platform: FlaskClient, key: str = "a", **event: Any) -> Any:
    body = {"eventId": key, "type": "order.completed", "order": {"orderId": 7}, **event}
    return platform.post("/orders", json=body, headers={"Idempotency-Key": key})


def test_answers_a_repeat_as_such() -> None:
    platform = client()
    assert (post(platform).status_code, post(platform).status_code) == (201, 200)
    assert post(platform).get_json() == {"eventId": "a", "orderId": 7, "repeated": True}
    held = platform.get("/orders/7").get_json()
    assert held == {
        "orderId": 7,
        "events": [{"eventId": "a", "type": "order.completed", "order": {"orderId": 7}}],
    }
    stats = platform.get("/stats").get_json()
    assert (stats["events"], stats["requests"], stats["repeats"]) == (1, 3, 2)
    assert platform.delete("/orders").status_code == 204
    assert platform.get("/orders/7").status_code == 404


@pytest.mark.parametrize(
    ("mode", "status"),
    [("wrong-answers", 200), ("reject", 422), ("error", 500), ("unavailable", 503)],
)
def test_each_mode_answers_its_way_and_books_nothing(mode: str, status: int) -> None:
    platform = client()
    assert platform.put("/settings", json={"mode": mode}).get_json()["mode"] == mode
    answer = post(platform)
    assert answer.status_code == status
    assert answer.is_json == (mode != "wrong-answers")
    assert ("Retry-After" in answer.headers) == (mode == "unavailable")
    stats = platform.get("/stats").get_json()
    assert (stats["events"], stats["failed"], stats["open"]) == (0, 1, 0)


def test_fails_a_share_of_the_calls() -> None:
    platform = client([0.49, 0.0, 0.5])
    assert (post(platform, "a").status_code, post(platform, "b").status_code) == (500, 201)


@pytest.mark.parametrize(
    "broken",
    [{"eventId": "b"}, {"type": 7}, {"order": {}}, {"order": {"orderId": "7"}}, {"order": []}],
)
def test_refuses_what_is_no_order_event(broken: dict[str, Any]) -> None:
    platform = client()
    assert post(platform, **broken).status_code == 422
    assert platform.post("/orders", data=b"{").status_code == 422
    assert platform.get("/stats").get_json()["requests"] == 0


def test_refuses_settings_that_cannot_be() -> None:
    platform = client()
    for wanted in ({"mode": "merry"}, {"failureRate": 2}, []):
        assert platform.put("/settings", json=wanted).status_code == 422
    assert platform.get("/settings").get_json() == {
        "latencySeconds": 0.0, "failureRate": 0.5, "mode": "normal"
    }
