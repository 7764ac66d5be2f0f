"""The stand-in provider's book and settings: what other tests believe it by."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from simulators.payment_behaviour import Behaviour
from simulators.payment_book import Book, KeyReused
from simulators.payment_provider import create_app


def test_takes_each_payment_once_and_keeps_its_verdict() -> None:
    book = Book()
    first = book.take("k", 1, 500, "approved")
    assert book.take("k", 1, 500, "declined") is first
    assert first.status == "approved"
    for other in ((2, 500), (1, 501)):
        with pytest.raises(KeyReused):
            book.take("k", *other, "approved")
    assert book.stats()["payments"] == 1


def test_what_was_pending_gets_its_verdict_later() -> None:
    book = Book()
    assert book.take("k", 1, 500, "pending").status == "pending"
    assert book.take("k", 1, 500, "declined", "no").shown()["reason"] == "no"


def test_voids_once_and_only_what_was_taken() -> None:
    book = Book()
    book.take("yes", 1, 500, "approved")
    book.take("no", 1, 500, "declined")
    assert [getattr(book.void(key), "status", None) for key in ("yes", "yes", "no", "none")] == [
        "voided", "voided", "declined", None,
    ]


def test_lists_from_an_instant_on_page_by_page() -> None:
    moments = iter("abcde")
    book = Book(lambda: next(moments))
    for key in "12345":
        book.take(key, 1, 1, "approved")
    first, following = book.page("b", 0, 2)
    assert ([one.key for one in first], following) == (["2", "3"], 3)
    rest, end = book.page("b", 3, 2)
    assert ([one.key for one in rest], end) == (["4", "5"], None)


@pytest.fixture
def provider() -> FlaskClient:
    return create_app(Behaviour(decline_above=1_000), chance=lambda: 0.5).test_client()


def pay(provider: FlaskClient, amount: int, key: str = "k", **more: Any) -> Any:
    wanted = {"key": key, "userId": 1, "amount": amount, "currency": "KRW", **more}
    return provider.post("/payments", json=wanted, headers={"Idempotency-Key": key})


def test_answers_by_the_protocol(provider: FlaskClient) -> None:
    approved, declined = pay(provider, 5), pay(provider, 1_001, "l")
    assert (approved.status_code, approved.json["status"]) == (200, "approved")
    assert (declined.status_code, declined.json["status"]) == (402, "declined")
    assert provider.get("/payments/k").json == approved.json
    assert provider.get("/payments/none").status_code == 404
    assert pay(provider, 6).status_code == 422
    assert pay(provider, 5, currency="EUR").status_code == 400
    listed = provider.get("/payments?limit=1").json
    assert (listed["payments"], listed["nextCursor"]) == ([approved.json], "1")
    assert provider.post("/payments/k/void").json["status"] == "voided"
    assert provider.post("/payments/none/void").status_code == 404
    assert provider.get("/asked/k").json == {"key": "k", "times": 2}
    assert provider.delete("/payments").status_code == 204
    assert provider.get("/stats").json["payments"] == 0


@pytest.mark.parametrize(
    "wanted",
    [{"mode": "odd"}, {"latencySeconds": -1}, {"latencySeconds": True}, {"failureRate": 2},
     {"declineAbove": "1"}, {"declineRate": "x"}, {"colour": 1}, [], None],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(provider: FlaskClient, wanted: object) -> None:
    before = provider.get("/settings").json
    assert provider.put("/settings", json=wanted).status_code == 422
    assert provider.get("/settings").json == before


def test_settings_change_while_it_runs(provider: FlaskClient) -> None:
    changed = provider.put("/settings", json={"mode": "pending", "declineAbove": None})
    assert changed.json["declineAbove"] is None
    assert pay(provider, 5).status_code == 202
    provider.put("/settings", json={"mode": "normal"})
    assert pay(provider, 5).json["status"] == "approved"
