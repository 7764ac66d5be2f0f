"""A drop: a thousand ask for a hundred, and exactly the first hundred get one."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis

from domain.coupons import issue
from domain.jobs.admission import Accepted, Batch
from domain.jobs.kinds import Lane
from domain.kernel.errors import DomainError
from domain.kinds import KINDS
from infra.database import run_transaction, transaction
from tests.support.market import broken_rules, given_coupon, one, select
from tests.support.rush import ER_LOCK_DEADLOCK, at_once, meanwhile, restarts
from tests.support.shop import accepted, given_users, make_drain, work

pytestmark = pytest.mark.usefixtures("database")


def drain(redis: Redis, batch: int = 16) -> Callable[[], None]:
    def run() -> None:
        while make_drain(redis, batch=batch, batch_per_key=batch).run(Lane.COUPONS):
            pass

    return run


def winners() -> list[int]:
    return [seq for (seq,) in select("SELECT seq FROM user_coupons ORDER BY seq")]


def test_the_hundred_lowest_of_a_thousand_win(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a coupon of a hundred, and a thousand users who were all let in
    coupon = given_coupon(100)
    with transaction():
        users = given_users(*[0] * 1_000)
    for start in range(0, 1_000, 250):
        accepted(*[issue.command(user, user, coupon) for user in users[start : start + 250]])
    codes = restarts(monkeypatch)
    # When four workers issue at once
    at_once(*[drain(redis)] * 4)
    work(redis)
    # Then exactly the lowest hundred sequence numbers have won, and all others have lost
    assert winners() == list(range(1, 101))
    assert select("SELECT user_id FROM user_coupons ORDER BY seq") == [
        (user,) for user in users[:100]
    ]
    assert select(
        "SELECT status, COUNT(*), MIN(seq), MAX(seq) FROM jobs GROUP BY status ORDER BY status"
    ) == [("failed", 900, 101, 1_000), ("succeeded", 100, 1, 100)]
    assert ER_LOCK_DEADLOCK not in codes
    assert broken_rules() == []


def test_a_drop_while_it_is_asked_for(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two coupons, and clients whose requests arrive in commits of any size, from four web
    # processes at once, some of them twice
    first, second = given_coupon(100), given_coupon(30)
    with transaction():
        users = given_users(*[0] * 1_000)
    answers: list[Accepted | DomainError] = []

    def ask(own: list[int]) -> Callable[[], None]:
        def run() -> None:
            asked = [(user, coupon) for user in own for coupon in (second, first)]
            asked += asked[:10]
            for start in range(0, len(asked), 7):
                requests = [
                    (uuid4(), issue.command(user, user, coupon))
                    for user, coupon in asked[start : start + 7]
                ]
                answers.extend(
                    run_transaction(lambda some=requests: Batch(KINDS, some).write()).values()
                )

        return run

    codes = restarts(monkeypatch)
    # When they ask while four workers issue
    with meanwhile(*[drain(redis)] * 4):
        at_once(*[ask(users[start::4]) for start in range(4)])
    work(redis)
    # Then no place was given twice or left out, and whoever was refused at the gate has no job
    jobs = one("SELECT COUNT(*) FROM jobs")
    let_in = [answer for answer in answers if isinstance(answer, Accepted)]
    assert len(let_in) == jobs < len(answers)
    for coupon, quantity in ((first, 100), (second, 30)):
        [(least, most, count)] = select(
            "SELECT MIN(seq), MAX(seq), COUNT(DISTINCT seq) FROM jobs WHERE concurrency_key = %s",
            f"coupon:{coupon}",
        )
        assert (least, most) == (1, count)
        # And the winners are the lowest of those that did not ask twice
        found = select(
            "SELECT MAX(c.seq) FROM user_coupons c WHERE c.coupon_id = %s", coupon
        )[0][0]
        assert one("SELECT COUNT(*) FROM user_coupons WHERE coupon_id = %s", coupon) == quantity
        assert one(
            "SELECT COUNT(*) FROM jobs WHERE concurrency_key = %s AND seq <= %s "
            "AND status <> 'succeeded' AND JSON_VALUE(error, '$.code') <> 'C006'",
            f"coupon:{coupon}", found,
        ) == 0
    assert ER_LOCK_DEADLOCK not in codes
    assert broken_rules() == []


def test_a_drop_while_redis_is_emptied_again_and_again(redis: Redis) -> None:
    # Given a drop, whose workers' locks vanish all the time
    coupon = given_coupon(100)
    with transaction():
        users = given_users(*[0] * 300)
    accepted(*[issue.command(user, user, coupon) for user in users])
    # When four workers, none of which a lock keeps from the others' jobs, issue at once
    with meanwhile(redis.flushall):
        at_once(*[drain(redis, batch=5)] * 4)
    work(redis)
    # Then the leases have kept them apart
    assert winners() == list(range(1, 101))
    assert broken_rules() == []
