"""The stand-in platform's book and settings: what other tests believe it by."""

import pytest

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
