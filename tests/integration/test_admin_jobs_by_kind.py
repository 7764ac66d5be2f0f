"""Failed jobs done again, kind by kind: what still holds, and what is gone meanwhile."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from domain.coupons import issue
from domain.jobs.kinds import Command
from domain.orders import cancel, place
from domain.wallet import charge
from infra.database import execute, rows, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.failing import acts, failed, retried, retry
from tests.support.market import (
    balance,
    broken_rules,
    code,
    given_coupon,
    given_product,
    put_in_cart,
    result,
    select,
)
from tests.support.ordering import issued, placed
from tests.support.shop import accepted, given_users, jobs, work


@pytest.fixture(autouse=True)
def _all_holds(client: Client, redis: Redis) -> Iterator[None]:
    """After each test the audit's rules hold, and no transactionId is left claimed by a failure."""
    yield
    work(redis)
    assert broken_rules() == []


def test_a_coupon_is_issued_by_a_new_place_at_the_gate(client: Client, redis: Redis) -> None:
    one, two = given_users(0, 0)
    coupon = given_coupon(2)
    [job] = failed(issue.command(one, one, coupon))
    issued(redis, coupon, two)
    again = retried(client, job)
    work(redis)
    assert code(jobs([again])[0]) == "succeeded"
    assert select("SELECT user_id, seq FROM user_coupons ORDER BY seq") == [(two, 2), (one, 3)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE coupon_gates SET expires_at = NOW(3) - INTERVAL 1 SECOND", "C003"),
        ("UPDATE coupon_gates SET starts_at = NOW(3) + INTERVAL 1 HOUR", "C008"),
    ],
)
def test_a_coupon_that_has_closed(client: Client, change: str, problem: str) -> None:
    [user] = given_users(0)
    coupon = given_coupon(2)
    [job] = failed(issue.command(user, user, coupon))
    with session():
        execute(change)
    refused(retry(client, job), 409, problem)
    # And what was refused has used up nothing: opened again, it can be retried
    with session():
        execute(
            "UPDATE coupon_gates SET starts_at = NULL, expires_at = NOW(3) + INTERVAL 1 DAY"
        )
        assert rows("SELECT next_seq FROM coupon_gates") == [(1,)]
    retried(client, job)


def test_a_coupon_that_is_gone(client: Client, redis: Redis) -> None:
    one, two, three = given_users(0, 0, 0)
    last, missing, own = given_coupon(1), given_coupon(1), given_coupon(9)
    sold_out, vanished, held = failed(
        issue.command(one, one, last), issue.command(two, two, missing),
        issue.command(three, three, own),
    )
    issued(redis, last, two)
    issued(redis, own, three)
    with session():
        execute("DELETE FROM coupons WHERE id = %s", (missing,))
        execute("DELETE FROM coupon_gates WHERE coupon_id = %s", (missing,))
    refused(retry(client, sold_out), 409, "C001")
    refused(retry(client, vanished), 409, "J001")
    refused(retry(client, held), 409, "C006")
    with session():
        gate = rows("SELECT next_seq FROM coupon_gates WHERE coupon_id = %s", (own,))
    assert gate == [(2,)]
    assert acts() == []


def test_a_paused_coupon_is_not_gone(client: Client) -> None:
    [user] = given_users(0)
    [job] = failed(issue.command(user, user, given_coupon(2)))
    with session():
        execute("UPDATE coupon_gates SET paused = 1")
    refused(retry(client, job), 503, "COMMON008")


def test_an_order_is_retried_with_the_cart_it_was_asked_for(client: Client, redis: Redis) -> None:
    [user] = given_users(9_000)
    coupon = given_coupon(9)
    issued(redis, coupon, user)
    put_in_cart(user, {given_product(5): 2})
    [job] = failed(place.command(user, user, coupon, 2_000))
    again = retried(client, job)
    # Its payload is the failed one's, its version among it
    [(before,), (after,)] = select(
        "SELECT payload FROM jobs WHERE uuid IN (%s, %s) ORDER BY id", job.bytes, again.bytes
    )
    assert sorted(before.strip("{}").split(",")) == sorted(after.strip("{}").split(","))
    work(redis)
    assert result(jobs([again])[0])["finalAmount"] == 1_900


def test_an_order_whose_cart_was_changed_since(client: Client) -> None:
    [user] = given_users(9_000)
    put_in_cart(user, {given_product(5): 2})
    [job] = failed(place.command(user, user))
    put_in_cart(user, {given_product(5): 1})
    refused(retry(client, job), 409, "O005")


def test_a_cart_that_is_changed_after_the_retry(client: Client, redis: Redis) -> None:
    [user] = given_users(9_000)
    put_in_cart(user, {given_product(5): 2})
    [job] = failed(place.command(user, user))
    again = retried(client, job)
    put_in_cart(user, {given_product(5): 1})
    work(redis)
    assert code(jobs([again])[0]) == "O005"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE user_coupons SET expires_at = NOW(3) - INTERVAL 1 SECOND", "C003"),
        ("DELETE FROM user_coupons", "J001"),
    ],
)
def test_an_order_whose_coupon_is_gone(
    client: Client, redis: Redis, change: str, problem: str
) -> None:
    [user] = given_users(9_000)
    coupon = given_coupon(9)
    issued(redis, coupon, user)
    put_in_cart(user, {given_product(5): 2})
    [job] = failed(place.command(user, user, coupon))
    kept = select("SELECT * FROM user_coupons")
    with session():
        execute(change)
    refused(retry(client, job), 409, problem)
    with session():  # as it was
        execute("DELETE FROM user_coupons")
        execute("INSERT INTO user_coupons VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)", kept[0])


def test_an_order_whose_coupon_was_used(client: Client, redis: Redis) -> None:
    [user] = given_users(9_000)
    coupon, thing = given_coupon(9), given_product(5)
    issued(redis, coupon, user)
    put_in_cart(user, {thing: 2})
    [job] = failed(place.command(user, user, coupon))
    placed(redis, user, {}, coupon)
    with session():
        execute("UPDATE carts SET version = 1")  # the cart's version alone would refuse it
    refused(retry(client, job), 409, "C004")


def test_a_cancel_is_retried_unless_the_order_is_cancelled(client: Client, redis: Redis) -> None:
    [user] = given_users(9_000)
    first = placed(redis, user, {given_product(5): 2})
    second = placed(redis, user, {given_product(5): 1})
    [job, late] = failed(cancel.command(user, user, first), cancel.command(user, user, second))
    retried(client, job)
    accepted(cancel.command(user, user, second))
    work(redis)
    assert balance(user) == 9_000
    refused(retry(client, late), 409, "O004")


def _of_nobody(redis: Redis) -> Command:
    return charge.command(4711, 4711, 5, None, None)


def _of_a_poor_one(redis: Redis) -> Command:
    [user] = given_users(10)
    put_in_cart(user, {given_product(5): 1})
    return place.command(user, user)


def _of_too_many(redis: Redis) -> Command:
    [user] = given_users(9_000)
    put_in_cart(user, {given_product(1): 2})
    return place.command(user, user)


def _of_nothing(redis: Redis) -> Command:
    [user] = given_users(9_000)
    return place.command(user, user)


def _of_a_little(redis: Redis) -> Command:
    [user] = given_users(9_000)
    coupon = given_coupon(1, minimum=5_000)
    issued(redis, coupon, user)
    put_in_cart(user, {given_product(1): 1})
    return place.command(user, user, coupon)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (_of_nobody, "U001"), (_of_a_poor_one, "PAY001"), (_of_too_many, "P002"),
        (_of_nothing, "O003"), (_of_a_little, "C007"),
    ],
)
def test_a_retry_that_is_waited_for_ends_with_its_own_problem(
    client: Client, redis: Redis, asked: Callable[[Redis], Command], problem: str
) -> None:
    # Given a retry that a rule has refused
    [job] = failed(asked(redis))
    again = retried(client, job)
    work(redis)
    # When an admin asks for it once more, and waits
    answer = retry(client, job, headers={"Prefer": "wait=5"})
    # Then the answer, which the client holds against the document, is the problem
    assert answer.get_json(force=True)["code"] == problem, answer.text
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert answer.headers["Link"] == f'</api/jobs/{again}>; rel="monitor"'
