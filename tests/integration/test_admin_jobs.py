"""Jobs that failed for a system reason: listed, and done again by an admin."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from domain.coupons import issue
from domain.jobs.admission import Accepted, Result
from domain.jobs.kinds import Command
from domain.kinds import KINDS
from domain.operations.service import retry_command
from domain.orders import cancel, place
from domain.wallet import charge
from infra.database import execute, rows, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.failing import fail, failed, refuse
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
from tests.support.shop import accepted, given_users, jobs, submit, work


@pytest.fixture(autouse=True)
def _all_holds(client: Client, redis: Redis) -> Iterator[None]:
    """After each test the audit's rules hold, and no transactionId is left claimed by a failure."""
    yield
    work(redis)
    assert broken_rules() == []


def charged(user: int, amount: int = 100, transaction: str | None = None) -> Command:
    return charge.command(user, user, amount, transaction, None)


def retry(client: Client, uuid: UUID | str, **options: Any) -> TestResponse:
    return client.admin(9).post(f"/api/admin/jobs/{uuid}/retry", **options)


def retried(client: Client, uuid: UUID) -> UUID:
    """The job that does a failed one again."""
    answer = retry(client, uuid)
    assert answer.status_code == 202, answer.text
    return UUID(answer.get_json()["jobId"])


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.admin().get(f"/api/admin/jobs{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["jobs"]
    return found


def acts() -> list[tuple[Any, ...]]:
    return select("SELECT admin_id, action, target, detail FROM admin_audit ORDER BY id")


# The list


def test_what_the_system_failed_is_listed_and_what_a_rule_refused_is_not(client: Client) -> None:
    one, other = given_users(0, 0)
    [first] = failed(charged(one))
    refuse(*failed(charged(one)))
    accepted(charged(one))
    [second] = failed(place.command(other, other))
    # When they are listed, Then the newest is first, with whose it is and why it failed
    shown = listed(client, "?status=failed")
    assert [job["jobId"] for job in shown] == [str(second), str(first)]
    assert (shown[1]["userId"], shown[1]["error"]["code"]) == (one, "COMMON004")
    assert (shown[1]["status"], shown[1]["attempts"]) == ("failed", 1)
    assert "retriedBy" not in shown[1]
    assert listed(client) == shown
    # And filters choose among them
    assert [job["jobId"] for job in listed(client, "?kind=order.place")] == [str(second)]
    assert [job["jobId"] for job in listed(client, f"?userId={one}")] == [str(first)]
    assert listed(client, f"?userId={one}&kind=order.place") == []


@pytest.mark.parametrize(
    "query", ["status=succeeded", "kind=xx", "limit=0", "cursor=xx", "userId=0", "surprise=1"]
)
def test_a_list_that_cannot_be_asked_for(client: Client, query: str) -> None:
    pointer = "/" + query.partition("=")[0]
    refused(client.admin().get(f"/api/admin/jobs?{query}"), 422, "COMMON001", pointer)


def test_only_admins_see_failed_jobs_and_retry_them(client: Client) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user))
    for method, path in (("GET", "/api/admin/jobs"), ("POST", f"/api/admin/jobs/{job}/retry")):
        refused(client.user(user).call(method, path), 403, "COMMON003")
        refused(client.call(method, path), 401, "COMMON002")


# The retry


def test_a_retry_is_a_new_job_at_the_end_of_its_key(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 100, "tx"))
    accepted(charged(user, 1), charged(user, 2))
    # When an admin retries it
    answer = retry(client, job)
    # Then it is accepted as any command
    body = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{body['jobId']}"
    assert answer.headers["Retry-After"] == "1"
    assert (body["kind"], body["status"], body["retryOf"]) == (
        "balance.charge", "queued", str(job)
    )
    assert "Idempotent-Replayed" not in answer.headers
    # And it stands behind the others, is its user's to see, and the failed one names it
    polled = client.user(user).get(answer.headers["Location"]).get_json()
    assert (polled["position"], polled["retryOf"]) == (2, str(job))
    assert listed(client)[0]["retriedBy"] == body["jobId"]
    # And the act is written down
    [(admin, action, target, detail)] = acts()
    assert (admin, action, target) == (9, "job.retry", f"job:{job}")
    assert body["jobId"] in detail
    # And it is done, once, under its transactionId
    work(redis)
    [done] = jobs([UUID(body["jobId"])])
    assert (result(done)["previousBalance"], result(done)["chargedAmount"]) == (3, 100)
    again = client.user(user).post(
        f"/api/users/{user}/balance/charge", {"amount": 100, "transactionId": "tx"}
    )
    assert again.get_json()["jobId"] == body["jobId"]
    assert jobs([job])[0].status == "failed"


def test_prefer_wait_is_answered_with_the_result(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 5))
    retried(client, job)
    work(redis)
    answer = retry(client, job, headers={"Prefer": "wait=5"})
    assert (answer.status_code, answer.get_json()["currentBalance"]) == (200, 5)


def test_a_job_that_is_retried_again_is_answered_with_its_retry(
    client: Client, redis: Redis
) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 100, "tx"))
    first = retried(client, job)
    # When it is retried again, before and after its retry has ended
    for _ in range(2):
        again = retry(client, job)
        # Then it is the same retry
        assert (again.status_code, again.get_json()["jobId"]) == (202, str(first))
        assert again.headers["Idempotent-Replayed"] == "true"
        work(redis)
    assert balance(user) == 100
    assert len(acts()) == 1


def test_the_retry_is_known_even_when_its_key_has_expired(client: Client) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user))
    first = retried(client, job)
    with session():
        execute("DELETE FROM idempotency_keys")
    assert retried(client, job) == first


@pytest.mark.parametrize("transaction", [None, "tx"])
def test_simultaneous_retries_make_one_job(
    client: Client, redis: Redis, transaction: str | None
) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 100, transaction))
    barrier = threading.Barrier(6)
    results: list[Result] = []

    def ask() -> None:
        """As a web process whose group commit holds several of them."""
        asked = [retry_command(KINDS, job, 9) for _ in range(4)]
        barrier.wait()
        results.extend(submit(*asked))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then one of them made a job, and all others are answered with it
    assert len(results) == 24
    assert len({one.uuid for one in results if isinstance(one, Accepted)}) == 1
    assert [one.replayed for one in results if isinstance(one, Accepted)].count(True) == 23
    work(redis)
    assert balance(user) == 100
    assert len(acts()) == 1


def test_a_retry_that_fails_too_is_itself_to_be_retried(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 100, "tx"))
    second = fail(retried(client, job))
    # When the first is retried again, Then it still has the retry that it had
    assert retried(client, job) == second
    # And the second one's is a third
    third = retried(client, second)
    work(redis)
    assert [one.status for one in jobs([job, second, third])] == ["failed", "failed", "succeeded"]
    assert balance(user) == 100


def test_an_idempotency_key_is_honoured(client: Client) -> None:
    [user] = given_users(0)
    first, second = failed(charged(user, 1), charged(user, 2))
    key = {"headers": {"Idempotency-Key": "k"}}
    made = retry(client, first, **key).get_json()["jobId"]
    again = retry(client, first, **key)
    assert (again.get_json()["jobId"], again.headers["Idempotent-Replayed"]) == (made, "true")
    # The same key for another job is another request
    refused(retry(client, second, **key), 422, "COMMON006")
    assert len(acts()) == 1
    # And a new key names the retry that there is
    other = {"headers": {"Idempotency-Key": "other"}}
    assert retry(client, first, **other).get_json()["jobId"] == made
    assert retry(client, first, **other).get_json()["jobId"] == made


# What cannot be retried


def test_only_what_the_system_failed_can_be_retried(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    [ruled_out] = failed(charged(user))
    refuse(ruled_out)
    done, waiting = accepted(charged(user), charged(user))
    client.user(user).post(f"/api/jobs/{waiting}/cancel")
    work(redis)
    [queued] = accepted(charged(user))
    for job in (ruled_out, done, waiting, queued):
        refused(retry(client, job), 409, "J001")
    assert acts() == []
    for unknown in ("01998888-0000-7000-8000-000000000000", "nope"):
        refused(retry(client, unknown), 404, "COMMON005")


@pytest.mark.parametrize("amount", [100, 7])
def test_a_transaction_id_that_another_job_has_claimed(
    client: Client, redis: Redis, amount: int
) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 100, "tx"))
    # Given that its user has charged it anew meanwhile
    [anew] = accepted(charged(user, amount, "tx"))
    # When the failed one is retried, Then the money is not booked twice
    refused(retry(client, job), 409, "J001")
    assert acts() == []
    work(redis)
    assert balance(user) == amount
    # And once that has failed too, it can be retried after all
    [second] = failed(charged(user, 3, "tx2"))
    fail(*accepted(charged(user, 3, "tx2")))
    retried(client, second)
    work(redis)
    assert balance(user) == amount + 3
    assert jobs([anew])[0].status == "succeeded"


def test_a_known_key_does_not_claim_the_transaction_id_of_a_failed_job_again(
    client: Client, redis: Redis
) -> None:
    # Given a charge by key and transactionId, that failed
    [user] = given_users(0)
    path, body = f"/api/users/{user}/balance/charge", {"amount": 5, "transactionId": "tx"}
    key = {"headers": {"Idempotency-Key": "k"}}
    job = client.user(user).post(path, body, **key).get_json()["jobId"]
    fail(UUID(job))
    # When it is sent again with its key, Then it is that job
    assert client.user(user).post(path, body, **key).get_json()["jobId"] == job
    # And the transactionId is free for a new one
    assert client.user(user).post(path, body).get_json()["jobId"] != job
    work(redis)
    assert balance(user) == 5


# By kind


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
