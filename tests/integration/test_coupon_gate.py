"""The gate of a coupon: who is let in, in which place, and what the others are told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from domain.coupons import gate, gate_store, issue
from domain.jobs.admission import Accepted
from domain.jobs.keys import idempotency_claim
from domain.jobs.kinds import Admission, Command
from domain.jobs.service import find, represent
from domain.kernel.errors import DomainError
from infra.database import execute, session, transaction
from tests.support.market import database_now, given_coupon, one, select
from tests.support.shop import accepted, given_users, submit, work

pytestmark = pytest.mark.usefixtures("database")


def ask(user: int, coupon: int, key: str | None = None) -> Command:
    target = f"/api/coupons/{coupon}/issue?"
    claims = (idempotency_claim(user, key, "POST", target, b"{}"),) if key else ()
    return issue.command(user, user, coupon, claims)


def places() -> list[tuple[Any, ...]]:
    return list(select("SELECT concurrency_key, user_id, seq FROM jobs ORDER BY id"))


def set_gate(coupon: int, **columns: object) -> None:
    with session():
        for column, value in columns.items():
            execute(f"UPDATE coupon_gates SET {column} = %s WHERE coupon_id = %s", (value, coupon))


def test_places_are_given_in_the_order_asked_for_coupon_by_coupon() -> None:
    # Given two coupons
    one_, two = given_coupon(10), given_coupon(10)
    # When requests for both arrive in one commit, the later coupon first, and more in another
    accepted(ask(1, two), ask(2, one_), ask(3, two), ask(4, one_), ask(5, two))
    accepted(ask(6, two))
    # Then each coupon counts by itself, and goes on where it was
    assert places() == [
        (f"coupon:{two}", 1, 1), (f"coupon:{one_}", 2, 1), (f"coupon:{two}", 3, 2),
        (f"coupon:{one_}", 4, 2), (f"coupon:{two}", 5, 3), (f"coupon:{two}", 6, 4),
    ]
    assert select("SELECT coupon_id, next_seq FROM coupon_gates") == [(one_, 2), (two, 4)]


def sold_out(coupon: int) -> None:
    set_gate(coupon, sold_out=1)


def paused(coupon: int) -> None:
    set_gate(coupon, paused=1)


def not_open(coupon: int) -> None:
    set_gate(coupon, starts_at=database_now() + timedelta(hours=1))


def expired(coupon: int) -> None:
    set_gate(coupon, expires_at=database_now())


@pytest.mark.parametrize(
    ("close", "status", "code"),
    [
        (sold_out, 409, "C001"),
        (not_open, 409, "C008"),
        (expired, 409, "C003"),
        (paused, 503, "COMMON008"),
    ],
)
def test_a_closed_gate_refuses_without_a_job(
    close: Callable[[int], None], status: int, code: str
) -> None:
    # Given an open coupon and one that is closed
    open_, closed = given_coupon(10), given_coupon(10)
    close(closed)
    # When both are asked for in one commit
    answers = submit(ask(1, open_), ask(1, closed), ask(2, open_))
    # Then the closed one is refused, and neither the other nor its places know of it
    assert isinstance(answers[1], DomainError)
    assert (answers[1].status, answers[1].code) == (status, code)
    assert [seq for _, _, seq in places()] == [1, 2]
    assert one("SELECT next_seq FROM coupon_gates WHERE coupon_id = %s", closed) == 0


def test_a_coupon_that_is_not_there() -> None:
    [answer] = submit(ask(1, 999))
    assert isinstance(answer, DomainError)
    assert (answer.status, answer.code) == (404, "C002")


def test_a_gate_that_is_not_open_yet_says_when() -> None:
    coupon = given_coupon(10, opens=timedelta(hours=1))
    [answer] = submit(ask(1, coupon))
    assert isinstance(answer, DomainError)
    starts_at: datetime = one("SELECT starts_at FROM coupons WHERE id = %s", coupon)
    assert answer.problem()["startsAt"].startswith(starts_at.isoformat()[:19])


def test_opening_and_expiry_are_judged_by_the_instant_of_acceptance() -> None:
    # Given requests that were accepted before a coupon opened and at its very end, and reach the
    # gate when the clock says otherwise
    coupon = given_coupon(10)
    at = database_now()
    before = timedelta(milliseconds=1)

    def answer(moment: datetime) -> str:
        with transaction():
            [found] = gate.admit([ask(1, coupon)], lambda: moment)
        return found.code if isinstance(found, DomainError) else "let in"

    set_gate(coupon, starts_at=at - 10 * before, expires_at=at - 5 * before)
    assert answer(at - 11 * before) == "C008"
    assert answer(at - 10 * before) == "let in"
    assert answer(at - 6 * before) == "let in"
    assert answer(at - 5 * before) == "C003"


def test_a_refused_key_is_free_for_when_the_gate_opens() -> None:
    # Given a request with a key, refused at the gate
    coupon = given_coupon(10)
    paused(coupon)
    assert isinstance(submit(ask(1, coupon, "k"))[0], DomainError)
    # When it is sent again after the gate has opened, Then it is accepted as new
    set_gate(coupon, paused=0)
    [again] = submit(ask(1, coupon, "k"))
    assert isinstance(again, Accepted)
    assert not again.replayed


def test_a_known_key_finds_its_job_after_the_gate_has_closed() -> None:
    coupon = given_coupon(10)
    [job] = accepted(ask(1, coupon, "k"))
    sold_out(coupon)
    [again] = submit(ask(1, coupon, "k"))
    assert isinstance(again, Accepted)
    assert (again.uuid, again.replayed) == (job, True)


def test_one_key_on_two_coupons_is_refused() -> None:
    first, second = given_coupon(10), given_coupon(10)
    answers = submit(ask(1, first, "k"), ask(1, second, "k"))
    assert isinstance(answers[0], Accepted)
    assert isinstance(answers[1], DomainError)
    assert answers[1].code == "COMMON006"
    assert len(places()) == 1


def test_a_gate_opened_between_refusing_and_reading_why_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a gate that is closed when it refuses, and opened before its reason is read
    coupon = given_coupon(10)
    sold_out(coupon)
    find = gate_store.find

    def opened_before(coupon_id: int) -> object:
        set_gate(coupon_id, sold_out=0)
        return find(coupon_id)

    monkeypatch.setattr(gate_store, "find", opened_before)
    # When it is asked, Then the request is let in
    with transaction():
        [answer] = gate.admit([ask(1, coupon)], database_now)
    assert answer == Admission(seq=1)


def test_places_of_a_commit_that_is_rolled_back_are_given_again() -> None:
    coupon = given_coupon(10)

    def breaks() -> None:
        with transaction():
            assert gate.admit([ask(1, coupon)], database_now) == [Admission(seq=1)]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    accepted(ask(2, coupon))
    assert [seq for _, _, seq in places()] == [1]


def test_the_next_in_line_is_told_how_many_stand_before(redis: Redis) -> None:
    coupon = given_coupon(10)
    users = given_users(0, 0, 0)
    jobs = accepted(*[ask(user, coupon) for user in users])
    assert [represent(find(job))["position"] for job in jobs] == [0, 1, 2]
    work(redis)
    assert "position" not in represent(find(jobs[2]))
