"""Issuing: exactly the lowest sequence numbers win, nobody twice, and all of it is told."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from redis import Redis

from domain.coupons import gate_store, issue, issue_store
from domain.coupons.gate_store import GateMoved
from domain.coupons.issue_store import CountMoved
from domain.coupons.rules import Supply
from domain.jobs.kinds import Command, Lane
from domain.kernel.clock import rfc3339
from domain.kernel.errors import DomainError
from infra.database import database, execute, session
from tests.support.market import broken_rules, code, events, given_coupon, one, result, select
from tests.support.shop import accepted, given_users, jobs, make_drain, submit, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")


def ask(user: int, coupon: int) -> Command:
    return issue.command(user, user, coupon)


def holders(coupon: int) -> list[int]:
    return [
        user
        for (user,) in select(
            "SELECT user_id FROM user_coupons WHERE coupon_id = %s ORDER BY seq", coupon
        )
    ]


def test_a_coupon_is_issued_and_told_of(redis: Redis) -> None:
    # Given a coupon and a user
    coupon = given_coupon(2, "percentage", 15)
    [user] = given_users(0)
    # When the user asks for it
    [job] = accepted(ask(user, coupon))
    work(redis)
    # Then they hold one, as the contract shows it
    [(id_, seq, job_id, issued_at, expires_at)] = select(
        "SELECT id, seq, job_id, issued_at, expires_at FROM user_coupons"
    )
    answer = result(jobs([job])[0])
    assert answer == {
        "userCouponId": id_, "couponId": coupon, "name": "drop", "discountType": "percentage",
        "discountValue": 15, "issuedAt": rfc3339(issued_at), "expiresAt": rfc3339(expires_at),
    }
    assert (seq, job_id) == (1, jobs([job])[0].id)
    # And an event of the user's coupon says so
    assert events("coupon.issued") == [(id_, {**answer, "userId": user})]
    assert broken_rules() == []


@pytest.mark.parametrize("batch", [1, 3, 128])
def test_the_lowest_sequence_numbers_win_whatever_the_batches(redis: Redis, batch: int) -> None:
    # Given five coupons, and eight users of whom some ask twice and one does not exist
    coupon = given_coupon(5)
    a, b, c, d, e, f, g = given_users(*[0] * 7)
    asking = [a, b, a, 999_999, c, b, d, e, f, a, g]
    uuids = accepted(*[ask(user, coupon) for user in asking])
    # When they are worked
    while make_drain(redis, batch=batch, batch_per_key=batch).run(Lane.COUPONS):
        pass
    # Then the first five win, whoever has one gets no other, and what is refused uses up none
    ok, twice, out = "succeeded", "C006", "C001"
    assert [code(job) for job in jobs(uuids)] == [
        ok, ok, twice, "U001", ok, twice, ok, ok, out, twice, out,
    ]
    assert holders(coupon) == [a, b, c, d, e]
    # And the gate has closed with the last one
    assert select("SELECT issued_quantity, max_quantity FROM coupons") == [(5, 5)]
    [late] = submit(ask(f, coupon))
    assert isinstance(late, DomainError)
    assert late.code == "C001"
    assert broken_rules() == []


def test_several_coupons_in_one_batch(redis: Redis) -> None:
    # Given three coupons of different totals
    coupons = [given_coupon(1), given_coupon(2), given_coupon(9)]
    users = given_users(*[0] * 4)
    # When all users ask for all of them at once
    accepted(*[ask(user, coupon) for user in users for coupon in reversed(coupons)])
    work(redis)
    # Then each gives what it has to the first
    assert [holders(coupon) for coupon in coupons] == [users[:1], users[:2], users]
    assert select("SELECT coupon_id, sold_out FROM coupon_gates") == [
        (coupons[0], 1), (coupons[1], 1), (coupons[2], 0),
    ]
    assert broken_rules() == []


def test_accepted_before_the_expiry_is_issued_after_it(redis: Redis) -> None:
    # Given a request, accepted a millisecond before its coupon expires
    coupon = given_coupon(5)
    [early, late] = given_users(0, 0)
    [job] = accepted(ask(early, coupon))
    with session():
        for table in ("coupons", "coupon_gates"):
            execute(
                f"UPDATE {table} SET expires_at = "
                "(SELECT accepted_at FROM jobs) + INTERVAL 1000 MICROSECOND"
            )
    # When the coupon has expired before the work is done
    eventually(lambda: one("SELECT expires_at < NOW(3) FROM coupons"))
    [answer] = submit(ask(late, coupon))
    work(redis)
    # Then the early one got it, and the late one was refused at the gate
    assert isinstance(answer, DomainError)
    assert answer.code == "C003"
    assert code(jobs([job])[0]) == "succeeded"
    assert holders(coupon) == [early]


def test_a_job_accepted_at_or_after_the_expiry_is_refused(redis: Redis) -> None:
    coupon = given_coupon(5)
    [user] = given_users(0)
    [job] = accepted(ask(user, coupon))
    with session():
        execute("UPDATE coupons SET expires_at = (SELECT accepted_at FROM jobs)")
    work(redis)
    assert code(jobs([job])[0]) == "C003"
    assert holders(coupon) == []


def test_a_batch_costs_a_few_statements_however_large_it_is(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    run = database.execute_sql

    def counting(sql: str, params: Any = None) -> Any:
        counts[-1] += 1
        return run(sql, params)

    for size in (1, 60):
        coupon = given_coupon(1_000)
        accepted(*[ask(user, coupon) for user in given_users(*[0] * size)])
        counts.append(0)
        with monkeypatch.context() as patched:
            patched.setattr(database, "execute_sql", counting)
            work(redis)
        assert len(holders(coupon)) == size
    assert counts[0] == counts[1]


# Guards under the row locks: each is seen to stop what it is there to stop.


def one_too_few(lock: Callable[..., Any]) -> Callable[..., Any]:
    """The count as it stood before somebody else issued one."""

    def stale(coupon_ids: Collection[int]) -> dict[int, Supply]:
        supplies: dict[int, Supply] = lock(coupon_ids)
        for supply in supplies.values():
            supply.opening -= 1
            supply.issued -= 1
        return supplies

    return stale


def nothing_may_be_written(redis: Redis, uuids: Sequence[Any]) -> None:
    make_drain(redis).run(Lane.COUPONS)
    assert select("SELECT COUNT(*) FROM user_coupons WHERE job_id IS NOT NULL") == [(0,)]
    assert select("SELECT COUNT(*) FROM outbox_events") == [(0,)]
    assert {job.status for job in jobs(uuids)} == {"queued"}


def test_a_count_that_is_not_as_read_rolls_all_of_it_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon = given_coupon(5)
    with session():
        execute("UPDATE coupons SET issued_quantity = 1")
        execute(
            "INSERT INTO user_coupons (coupon_id, user_id, expires_at) VALUES (%s, 77, NOW())",
            (coupon,),
        )
    uuids = accepted(*[ask(user, coupon) for user in given_users(0, 0)])
    monkeypatch.setattr(issue_store, "lock_supplies", one_too_few(issue_store.lock_supplies))
    with pytest.raises(CountMoved), session():
        issue_store.write_counts([_moved(coupon)])
    nothing_may_be_written(redis, uuids)


def _moved(coupon: int) -> Supply:
    supply = issue_store.lock_supplies([coupon])[coupon]
    supply.issue(5)
    return supply


def test_a_gate_that_is_not_as_its_coupon_says_rolls_all_of_it_back(redis: Redis) -> None:
    # Given a coupon with one left, accepted for, whose gate is gone
    coupon = given_coupon(1)
    uuids = accepted(ask(given_users(0)[0], coupon))
    with session():
        execute("DELETE FROM coupon_gates")
    with pytest.raises(GateMoved), session():
        gate_store.close([coupon])
    nothing_may_be_written(redis, uuids)


def test_the_unique_index_stands_behind_the_rules(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a handler that has become blind for who holds one already
    coupon = given_coupon(9)
    [user] = given_users(0)
    accepted(ask(user, coupon))
    work(redis)
    monkeypatch.setattr(issue_store, "holders", lambda pairs: [])
    # When the user asks again
    [job] = accepted(ask(user, coupon))
    make_drain(redis).run(Lane.COUPONS)
    # Then nothing of it is kept, and the count is as before
    assert holders(coupon) == [user]
    assert one("SELECT issued_quantity FROM coupons") == 1
    assert jobs([job])[0].status == "queued"
