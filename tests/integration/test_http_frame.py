"""What holds for every route: problems, tokens, bodies; shown on the charge of a balance."""

import json
from typing import Any

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.client import Client
from tests.support.shop import given_users, work


def assert_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = answer.get_json(force=True)
    assert body["code"] == code
    assert body["status"] == status
    assert {"type", "title", "detail", "traceId"} <= body.keys()
    return body


def charge(client: Client, user: int, **options: Any) -> TestResponse:
    return client.user(user).call("POST", f"/api/users/{user}/balance/charge", **options)


def test_an_accepted_command_is_answered_202_with_its_job(client: Client) -> None:
    [user] = given_users(0)
    # When a charge is sent
    answer = charge(client, user, json={"amount": 100})
    # Then the answer tells where its job is and when to look
    assert answer.status_code == 202
    body = answer.get_json()
    assert answer.headers["Location"] == f"/api/jobs/{body['jobId']}"
    assert answer.headers["Retry-After"] == "1"
    assert (body["kind"], body["status"], body["attempts"]) == ("balance.charge", "queued", 0)
    # And the job can be polled there
    polled = client.user(user).get(answer.headers["Location"])
    assert polled.get_json()["status"] == "queued"
    assert polled.get_json()["position"] == 0
    assert polled.headers["Retry-After"] == "1"


def test_a_job_is_followed_to_its_end(client: Client, redis: Redis) -> None:
    [user] = given_users(50)
    job = charge(client, user, json={"amount": 100}).get_json()["jobId"]
    queued = client.user(user).get(f"/api/jobs/{job}")
    work(redis)
    done = client.user(user).get(f"/api/jobs/{job}")
    assert done.get_json()["result"]["currentBalance"] == 150
    assert "Retry-After" not in done.headers
    # And its ETag tells whether it has changed
    assert done.headers["ETag"] != queued.headers["ETag"]
    assert not done.headers["ETag"].startswith("W/")
    same = client.user(user).get(
        f"/api/jobs/{job}", headers={"If-None-Match": done.headers["ETag"]}
    )
    assert (same.status_code, same.data) == (304, b"")


def test_a_wait_that_ends_in_time_is_answered_with_the_result(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    first = charge(client, user, json={"amount": 7, "transactionId": "t"})
    work(redis)
    # When the same is sent again, preferring to wait
    answer = charge(
        client, user, json={"amount": 7, "transactionId": "t"}, headers={"Prefer": "wait=5"}
    )
    # Then the answer is the result itself
    assert answer.status_code == 200
    assert answer.get_json()["currentBalance"] == 7
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert answer.headers["Content-Location"] == f"/api/users/{user}/balance"
    assert answer.headers["Link"] == f'</api/jobs/{first.get_json()["jobId"]}>; rel="monitor"'
    assert answer.headers["Idempotent-Replayed"] == "true"


def test_a_wait_for_a_job_that_fails_is_answered_with_its_problem(
    client: Client, redis: Redis
) -> None:
    missing = 999_999
    charge(client, missing, json={"amount": 7}, headers={"Idempotency-Key": "k"})
    work(redis)
    answer = charge(
        client, missing, json={"amount": 7},
        headers={"Idempotency-Key": "k", "Prefer": "wait=5"},
    )
    assert_problem(answer, 404, "U001")


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"amount": 1', "application/json", 400),
        (b'{"amount": "\xff"}', "application/json", 400),
        (b'{"amount": NaN}', "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b"amount=1", "application/x-www-form-urlencoded", 415),
        (b'{"amount": 1}', "text/plain", 415),
        (b'{"a":"' + b"x" * 65_536 + b'"}', "application/json", 413),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'"{\\"amount\\": 1}"', "application/json", 422),
        (b"", "application/json", 422),
    ],
)
def test_a_body_that_cannot_be_read(
    client: Client, body: bytes, media_type: str, status: int
) -> None:
    [user] = given_users(0)
    answer = charge(client, user, data=body, content_type=media_type)
    problem = assert_problem(answer, status, "COMMON001")
    assert problem["errors"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/amount"),
        ({"amount": 0}, "/amount"),
        ({"amount": 10**9 + 1}, "/amount"),
        ({"amount": 2**70}, "/amount"),
        ({"amount": "1"}, "/amount"),
        ({"amount": 1.0}, "/amount"),
        ({"amount": True}, "/amount"),
        ({"amount": None}, "/amount"),
        ({"amount": 1, "extra": 1}, "/extra"),
        ({"amount": 1, "transactionId": ""}, "/transactionId"),
        ({"amount": 1, "transactionId": "x" * 256}, "/transactionId"),
        ({"amount": 1, "transactionId": "é"}, "/transactionId"),
        ({"amount": 1, "transactionId": "a\n"}, "/transactionId"),
        ({"amount": 1, "paymentMethod": "\x00"}, "/paymentMethod"),
    ],
)
def test_a_body_that_breaks_a_rule(client: Client, body: Any, pointer: str) -> None:
    [user] = given_users(0)
    answer = charge(client, user, data=json.dumps(body), content_type="application/json")
    problem = assert_problem(answer, 422, "COMMON001")
    assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"a": 1}', 422), (b"{", 400), (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", 422)],
)
def test_a_body_where_none_is_asked_for(client: Client, body: bytes, status: int) -> None:
    [user] = given_users(0)
    answer = client.user(user).call(
        "POST", "/api/coupons/1/issue", data=body, content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert_problem(answer, status, "COMMON001")


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_an_idempotency_key_out_of_bounds(client: Client, key: str) -> None:
    [user] = given_users(0)
    answer = charge(client, user, json={"amount": 1}, headers={"Idempotency-Key": key})
    assert_problem(answer, 422, "COMMON001")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401), ("", 401), ("Bearer", 401), ("Bearer x", 401), ("Basic YTpi", 401),
        ("Bearer a.b.c", 401),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiZXhwIjo5OTk5OTk5OTk5fQ.", 401),
    ],
)
def test_without_a_good_token(client: Client, header: str | None, status: int) -> None:
    headers = {"Authorization": header} if header is not None else {}
    assert_problem(client.get("/api/users/1/balance", headers=headers), status, "COMMON002")


def test_a_stranger_reaches_nothing(client: Client) -> None:
    owner, stranger = given_users(5, 5)
    job = charge(client, owner, json={"amount": 1}).get_json()["jobId"]
    other = client.user(stranger)
    assert_problem(other.get(f"/api/users/{owner}/balance"), 403, "COMMON003")
    assert_problem(other.get(f"/api/users/{owner}/balance/history"), 403, "COMMON003")
    assert_problem(
        other.post(f"/api/users/{owner}/balance/charge", {"amount": 1}), 403, "COMMON003"
    )
    assert_problem(other.get(f"/api/jobs/{job}"), 404, "COMMON005")
    assert_problem(other.post(f"/api/jobs/{job}/cancel"), 404, "COMMON005")
    assert_problem(other.get(f"/api/jobs?userId={owner}"), 403, "COMMON003")
    assert other.get("/api/jobs").get_json()["jobs"] == []
    # And an admin reaches all
    assert client.admin().get(f"/api/jobs/{job}").status_code == 200
    assert client.admin().get(f"/api/users/{owner}/balance").get_json()["balance"] == 5


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "COMMON005"),
        ("GET", "/api/users/0/balance", 404, "COMMON005"),
        ("GET", "/api/users/01/balance", 404, "COMMON005"),
        ("GET", "/api/users/99999999999999999999/balance", 404, "COMMON005"),
        ("GET", "/api/users/9223372036854775808/balance", 404, "COMMON005"),
        ("GET", "/api/users/9223372036854775807", 403, "COMMON003"),
        ("PATCH", "/api/products/9223372036854775808", 404, "COMMON005"),
        ("GET", "/api/users/1%D9%A2/balance", 404, "COMMON005"),
        ("GET", "/api/users/1%00/balance", 404, "COMMON005"),
        ("GET", "/api/jobs/nope", 404, "COMMON005"),
        ("DELETE", "/api/jobs", 405, "COMMON009"),
        ("GET", "/api/jobs?limit=0", 422, "COMMON001"),
        ("GET", "/api/jobs?limit=x", 422, "COMMON001"),
        ("GET", "/api/jobs?surprise=1", 422, "COMMON001"),
        ("GET", "/api/jobs?cursor=xx", 422, "COMMON001"),
        ("GET", "/api/jobs?kind=xx", 422, "COMMON001"),
        ("GET", "/api/jobs?status=xx", 422, "COMMON001"),
    ],
)
def test_a_request_for_nothing(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.user(1).call(method, path)
    assert_problem(answer, status, code)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/jobs", "GET, HEAD, OPTIONS"),
        ("GET", "/api/cart/items", "OPTIONS, POST"),
        ("PUT", "/api/products/1", "GET, HEAD, OPTIONS, PATCH"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_allowed_names_those_that_are(
    client: Client, method: str, path: str, allowed: str
) -> None:
    answer = client.user(1).call(method, path)
    assert_problem(answer, 405, "COMMON009")
    assert answer.headers["Allow"] == allowed


def test_lists_go_on_where_the_cursor_says(client: Client) -> None:
    [user] = given_users(0)
    sent = [charge(client, user, json={"amount": 1}).get_json()["jobId"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.user(user).get(f"/api/jobs?limit=2{cursor}").get_json()
        seen += [job["jobId"] for job in page["jobs"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
        # When one more comes meanwhile, Then the pages that follow do not shift
        charge(client, user, json={"amount": 1})
    assert seen == sent[::-1]


def test_a_trace_goes_in_and_comes_out(client: Client) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = client.user(1).get(
        "/nowhere",
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "mine"},
    )
    assert answer.get_json(force=True)["traceId"] == trace
    assert answer.headers["X-Request-Id"] == "mine"
