"""Jobs that failed for a system reason: listed, and done again by an admin."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from domain.jobs.admission import Accepted, Result
from domain.jobs.errors import JobNotRetryable
from domain.jobs.keys import idempotency_claim
from domain.jobs.kinds import Command
from domain.kinds import KINDS
from domain.operations.service import retry_command
from domain.orders import place
from domain.wallet import charge
from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.failing import acts, fail, failed, refuse, retried, retry
from tests.support.market import balance, broken_rules, result, select
from tests.support.shop import accepted, given_users, jobs, submit, work
from web.shapes.failed_jobs import FailedJobPage
from web.shapes.jobs import Job


@pytest.fixture(autouse=True)
def _all_holds(client: Client, redis: Redis) -> Iterator[None]:
    """After each test the audit's rules hold, and no transactionId is left claimed by a failure."""
    yield
    work(redis)
    assert broken_rules() == []


def charged(user: int, amount: int = 100, transaction: str | None = None) -> Command:
    return charge.command(user, user, amount, transaction, None)


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.admin().get(f"/api/admin/jobs{query}")
    assert answer.status_code == 200, answer.text
    FailedJobPage.model_validate(answer.get_json())
    found: list[dict[str, Any]] = answer.get_json()["jobs"]
    return found


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


def test_a_retry_is_a_new_job_at_the_end_of_its_key(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 100, "tx"))
    accepted(charged(user, 1), charged(user, 2))
    # When an admin retries it
    answer = retry(client, job)
    # Then it is accepted as any command
    body = answer.get_json()
    Job.model_validate(body)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{body['jobId']}"
    assert answer.headers["Retry-After"] == "1"
    assert (body["kind"], body["status"], body["retryOf"]) == (
        "balance.charge", "queued", str(job)
    )
    assert "Idempotent-Replayed" not in answer.headers
    # And it stands behind the others, is its user's to see, and the failed one names it
    polled = client.user(user).get(answer.headers["Location"]).get_json()
    Job.model_validate(polled)
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


def test_a_retry_and_a_new_charge_at_once_book_one(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    first, second = failed(charged(user, 1, "one"), charged(user, 2, "two"))
    # When both come in one group commit, the retry first, and then the other way round
    made, repeated = submit(retry_command(KINDS, first, 9), charged(user, 1, "one"))
    fresh, late = submit(charged(user, 2, "two"), retry_command(KINDS, second, 9))
    # Then whoever came first has the transactionId
    assert isinstance(made, Accepted)
    assert isinstance(repeated, Accepted)
    assert (repeated.uuid, repeated.replayed) == (made.uuid, True)
    assert isinstance(fresh, Accepted)
    assert isinstance(late, JobNotRetryable)
    work(redis)
    assert balance(user) == 3


def test_retries_that_are_refused_together_leave_no_key_claimed(client: Client) -> None:
    [user] = given_users(0)
    [job] = failed(charged(user, 1, "tx"))
    accepted(charged(user, 1, "tx"))
    keys = [idempotency_claim(9, key, "POST", "/", b"") for key in ("one", "two")]
    results = submit(*[retry_command(KINDS, job, 9, (key,)) for key in keys])
    assert [type(one) for one in results] == [JobNotRetryable] * 2
    assert select("SELECT COUNT(*) FROM idempotency_keys") == [(1,)]  # the new charge's own


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
