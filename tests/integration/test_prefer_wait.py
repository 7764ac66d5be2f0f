"""Waiting for a job's end: how long, and what the answer bears that says so (RFC 7240)."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

from redis import Redis
from werkzeug.test import TestResponse

from tests.support.client import Client
from tests.support.market import select
from tests.support.shop import given_users, work
from tests.support.waiting import eventually


def charge(client: Client, user: int, prefer: str) -> TestResponse:
    path = f"/api/users/{user}/balance/charge"
    return client.user(user).post(path, {"amount": 7}, headers={"Prefer": prefer})


def work_while_waited_for(
    client: Client, redis: Redis, waiting: Future[TestResponse]
) -> TestResponse:
    """Do the jobs once somebody waits for one; the answer that they get.

    Whoever asks for a job waits before there is one: so both are to be there.
    """
    waiters = client.app.extensions["shop"].waiting._waiters
    queued = "SELECT id FROM jobs WHERE status = 'queued'"
    eventually(lambda: waiters and select(queued), 10, "somebody waits for a job")
    assert not waiting.done()
    work(redis)
    return waiting.result(timeout=10)


def test_a_wait_that_ends_too_soon_is_answered_202(client: Client) -> None:
    # Given nobody who would do the job
    [user] = given_users(0)
    began = time.monotonic()
    answer = charge(client, user, "wait=1")
    # Then the answer comes after that second, with the job as it stands
    assert 1.0 <= time.monotonic() - began < 5
    assert (answer.status_code, answer.get_json()["status"]) == (202, "queued")
    job = f"/api/jobs/{answer.get_json()['jobId']}"
    assert (answer.headers["Location"], answer.headers["Retry-After"]) == (job, "1")
    # And with what was agreed to, and where to go on
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert answer.headers["Link"] == f'<{job}>; rel="monitor"'


def test_a_wait_longer_than_there_may_be_is_told_as_it_was_applied(
    client: Client, redis: Redis
) -> None:
    [user] = given_users(0)
    with ThreadPoolExecutor(1) as pool:
        answer = work_while_waited_for(
            client, redis, pool.submit(charge, client, user, "wait=9999")
        )
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=30")


def test_a_wait_for_a_job_that_fails_bears_the_same(client: Client, redis: Redis) -> None:
    missing = 999_999
    with ThreadPoolExecutor(1) as pool:
        answer = work_while_waited_for(
            client, redis, pool.submit(charge, client, missing, "wait=20")
        )
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.headers["Preference-Applied"] == "wait=20"
    job = client.user(missing).get("/api/jobs").get_json()["jobs"][0]["jobId"]
    assert answer.headers["Link"] == f'</api/jobs/{job}>; rel="monitor"'
    assert "Content-Location" not in answer.headers


def test_whoever_polls_may_wait_too(client: Client, redis: Redis) -> None:
    # Given a job that is queued
    [user] = given_users(0)
    where = charge(client, user, "").headers["Location"]

    def poll(seconds: int) -> TestResponse:
        return client.user(user).get(where, headers={"Prefer": f"wait={seconds}"})

    # When it does not end in time, Then it is told as it stands
    began = time.monotonic()
    answer = poll(1)
    assert 1.0 <= time.monotonic() - began < 5
    assert (answer.status_code, answer.get_json()["status"]) == (200, "queued")
    assert (answer.headers["Preference-Applied"], answer.headers["Retry-After"]) == ("wait=1", "1")
    # When it does, Then it is told at its end, and at once ever after
    with ThreadPoolExecutor(1) as pool:
        answer = work_while_waited_for(client, redis, pool.submit(poll, 20))
    for ended in (answer, poll(20)):
        assert (ended.status_code, ended.get_json()["status"]) == (200, "succeeded")
        assert ended.headers["Preference-Applied"] == "wait=20"
        assert "Retry-After" not in ended.headers


def test_without_the_preference_nothing_is_said_of_it(client: Client) -> None:
    [user] = given_users(0)
    for prefer in ("", "respond-async", "wait=0", "wait=soon"):
        answer = charge(client, user, prefer)
        polled = client.user(user).get(answer.headers["Location"], headers={"Prefer": prefer})
        assert (answer.status_code, polled.status_code) == (202, 200)
        for one in (answer, polled):
            assert not {"Preference-Applied", "Link"} & set(one.headers.keys())


def test_a_position_is_exact_to_a_hundred(client: Client) -> None:
    # Given more jobs of a user than are counted, and one of somebody else among them
    user, other = given_users(0, 0)
    queued = [charge(client, user, "").headers["Location"] for _ in range(50)]
    charge(client, other, "")
    queued += [charge(client, user, "").headers["Location"] for _ in range(53)]
    # Then each says how many stand before it, up to that
    told = [client.user(user).get(where).get_json()["position"] for where in queued]
    assert told[:101] == list(range(101))
    assert set(told[101:]) == {100}
    # And it moves up with each that goes
    client.user(user).post(f"{queued[0]}/cancel")
    assert client.user(user).get(queued[100]).get_json()["position"] == 99
