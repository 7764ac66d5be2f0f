"""A coupon's gate while it is asked for: it opens by the clock, is paused, and is opened again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from redis import Redis

from domain.coupons import issue, service
from domain.coupons.errors import NotOpenYet, SoldOut
from domain.jobs.admission import Accepted, Result
from domain.jobs.kinds import Lane
from domain.kernel.clock import rfc3339
from domain.kernel.errors import Unavailable
from infra.database import transaction
from tests.support.market import broken_rules, database_now, given_coupon, one, select
from tests.support.rush import ER_LOCK_DEADLOCK, at_once, meanwhile, restarts
from tests.support.shop import given_users, make_drain, submit, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

ADMIN = 1


def drain(redis: Redis, batch: int = 16) -> Callable[[], None]:
    def run() -> None:
        while make_drain(redis, batch=batch, batch_per_key=batch).run(Lane.COUPONS):
            pass

    return run


def crowd(count: int) -> list[int]:
    with transaction():
        return given_users(*[0] * count)


@dataclass(frozen=True)
class Told:
    """What a request was answered, and between which two instants of the database's clock."""

    before: datetime
    after: datetime
    result: Result


def ask(user: int, coupon: int) -> Told:
    before = database_now()
    [result] = submit(issue.command(user, user, coupon))
    return Told(before, database_now(), result)


def winners() -> list[int]:
    return [seq for (seq,) in select("SELECT seq FROM user_coupons ORDER BY seq")]


def test_a_coupon_opens_at_its_instant(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a coupon of fifty that opens in a moment, and four hundred users
    users = crowd(400)
    coupon = given_coupon(50, opens=timedelta(seconds=3))
    opens: datetime = one("SELECT starts_at FROM coupons")
    told: list[Told] = []

    def impatient(own: list[int]) -> Callable[[], None]:
        """Each asks until it has opened: from then on, once."""

        def run() -> None:
            for user in own:
                answer = ask(user, coupon)
                told.append(answer)
                while isinstance(answer.result, NotOpenYet):
                    answer = ask(user, coupon)
                    told.append(answer)

        return run

    codes = restarts(monkeypatch)
    # When they ask from before it opens until it is gone, while two workers issue
    with meanwhile(*[drain(redis)] * 2):
        at_once(*[impatient(users[start::4]) for start in range(4)])
    work(redis)
    # Then it was closed to whoever was judged before the instant, who were told of it
    early = [one_ for one_ in told if isinstance(one_.result, NotOpenYet)]
    assert early
    assert all(one_.before < opens for one_ in early)
    assert {one_.result.problem()["startsAt"] for one_ in early} == {  # type: ignore[union-attr]
        rfc3339(opens)
    }
    # And open to everybody from it on
    let_in = [one_ for one_ in told if isinstance(one_.result, Accepted)]
    assert len(let_in) >= 50
    assert all(one_.after >= opens for one_ in let_in)
    assert one("SELECT MIN(accepted_at) FROM jobs") >= opens
    assert winners() == list(range(1, 51))
    assert ER_LOCK_DEADLOCK not in codes
    assert broken_rules() == []


def test_a_pause_lets_nobody_in_and_loses_nobody(redis: Redis) -> None:
    # Given a coupon that is asked for all the time
    users = crowd(2_000)
    coupon = given_coupon(10**6)
    told: list[tuple[float, float, Result]] = []
    waiting = iter(users)

    def client() -> None:
        for user in waiting:
            began = time.monotonic()
            [result] = submit(issue.command(user, user, coupon))
            told.append((began, time.monotonic(), result))
            return

    def more_answers() -> None:
        there = len(told)
        eventually(lambda: len(told) >= there + 10)

    pauses: list[tuple[float, float, float]] = []
    # When an admin pauses it, and lets it go on, three times
    with meanwhile(client, client, drain(redis), drain(redis)):
        for _ in range(3):
            more_answers()
            service.change(coupon, None, True, ADMIN)
            paused = time.monotonic()
            place = one("SELECT next_seq FROM coupon_gates")
            more_answers()
            # Then nobody gets a place, while those who had one are served
            assert one("SELECT next_seq FROM coupon_gates") == place
            eventually(lambda place=place: one("SELECT COUNT(*) FROM user_coupons") == place)
            going_on = time.monotonic()
            service.change(coupon, None, False, ADMIN)
            pauses.append((paused, going_on, time.monotonic()))
            more_answers()
    work(redis)
    # And whoever asked meanwhile was told to come again, and nobody else was
    for paused, going_on, gone_on in pauses:
        during = [result for began, ended, result in told if paused < began and ended < going_on]
        assert during
        for result in during:
            assert isinstance(result, Unavailable)
            assert (result.status, result.code, result.retry_after) == (503, "COMMON008", 1)
        later = [began for began, _, _ in told if began > gone_on]
        assert later
    let_in = [result for _, _, result in told if isinstance(result, Accepted)]
    assert len(let_in) + sum(isinstance(one_, Unavailable) for _, _, one_ in told) == len(told)
    assert one("SELECT COUNT(*) FROM user_coupons") == len(let_in)
    assert broken_rules() == []


def test_a_quantity_raised_while_it_is_asked_for(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a coupon of thirty, for which eighty were let in, and three hundred users who ask
    # again and again
    users, first = crowd(300), crowd(80)
    coupon = given_coupon(30)
    submit(*[issue.command(user, user, coupon) for user in first])
    totals = (31, 60, 61, 100, 150)
    raised: list[int] = []
    told_to_wait: list[int] = []

    def persistent(own: list[int]) -> Callable[[], None]:
        def run() -> None:
            while len(raised) < len(totals):
                if one("SELECT COUNT(*) FROM jobs WHERE queue_lane IS NOT NULL") > 40:
                    time.sleep(0.002)  # a crowd that stands in line is large enough
                    continue
                some = own[:10]
                results = submit(*[issue.command(user, user, coupon) for user in some])
                for user, result in zip(some, results, strict=True):
                    assert isinstance(result, Accepted | SoldOut), result
                    own.remove(user)
                    own.append(user)

        return run

    def admin() -> None:
        for total in totals:
            while not one("SELECT sold_out FROM coupon_gates"):
                time.sleep(0.001)
            while len(raised) < totals.index(total) + 1:
                try:
                    service.change(coupon, total, None, ADMIN)
                    raised.append(total)
                except Unavailable:  # those who came too late are still being told so
                    told_to_wait.append(total)

    codes = restarts(monkeypatch)
    # When an admin raises its quantity whenever it is sold out, while they ask and two workers
    # issue, four at a time
    with meanwhile(*[drain(redis, 4)] * 2):
        at_once(*[persistent(users[start::3]) for start in range(3)], admin)
    # Then it was not raised over the heads of those who had come too late
    assert told_to_wait
    # When the rest of the users ask once more
    for user in users:
        submit(issue.command(user, user, coupon))
        if one("SELECT sold_out FROM coupon_gates"):
            break
        work(redis)
    work(redis)
    # Then as many are issued as there are in the end, to the first who were let in each time
    assert raised == list(totals)
    [(issued, total)] = select("SELECT issued_quantity, max_quantity FROM coupons")
    assert issued == total == totals[-1] == one("SELECT COUNT(*) FROM user_coupons")
    assert one("SELECT COUNT(DISTINCT user_id) FROM user_coupons") == issued
    # And of those who were let in, only the last of each time went away without
    assert ER_LOCK_DEADLOCK not in codes
    assert broken_rules() == []
