"""Too many requests of one caller are refused, class by class, whoever else asks."""

import re
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.apps import app_with
from tests.support.client import Client
from tests.support.document import document_of
from tests.support.services import TestServices
from tests.support.shop import given_users
from tests.support.waiting import eventually

LIMITS = {
    "RATE_LIMIT_COMMANDS": "3 per minute", "RATE_LIMIT_READS": "5 per minute; 4 per second",
    "RATE_LIMIT_ADMIN": "2 per minute", "RATE_LIMIT_PUBLIC": "3 per minute",
}


def in_one_window(client: Client) -> Client:
    """Its limits' clock stands still: a window that ends in the middle would begin a new count."""
    frozen = time.time()
    client.app.extensions["rate_limits"]._engine._clock = lambda: frozen
    return client


@pytest.fixture
def limited(database: None, redis: Redis) -> Iterator[Client]:
    with app_with(**LIMITS) as client:
        yield in_one_window(client)


def charge(client: Client, user: int) -> int:
    path = f"/api/users/{user}/balance/charge"
    return client.user(user).post(path, {"amount": 1}).status_code


def test_a_user_over_the_limit_is_told_when_to_come_again(limited: Client) -> None:
    user, other = given_users(0, 0)
    path = f"/api/users/{user}/balance/charge"
    # Given as many commands as are allowed, seen going down
    for left in (2, 1, 0):
        answer = limited.user(user).post(path, {"amount": 1})
        assert answer.status_code == 202
        assert answer.headers["RateLimit-Policy"] == '"commands";q=3;w=60'
        told = re.fullmatch(r'"commands";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
        assert told is not None
        assert int(told[1]) == left
        assert 1 <= int(told[2]) <= 60
    # When one more comes
    answer = limited.user(user).post(path, {"amount": 1})
    # Then it is refused, with a time
    assert (answer.status_code, answer.mimetype) == (429, "application/problem+json")
    assert answer.get_json(force=True)["code"] == "COMMON007"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].startswith('"commands";r=0;t=')
    # And neither their reads nor anybody else is touched
    assert limited.user(user).get(f"/api/users/{user}/balance").status_code == 200
    assert charge(limited, other) == 202


def test_a_body_that_is_wrong_counts_and_is_not_looked_at_any_more(limited: Client) -> None:
    [user] = given_users(0)
    path = f"/api/users/{user}/balance/charge"
    statuses = [limited.user(user).post(path, {"amount": -1}).status_code for _ in range(4)]
    assert statuses == [422, 422, 422, 429]


def test_two_limits_of_one_class(limited: Client) -> None:
    [user] = given_users(0)
    answers = [limited.user(user).get(f"/api/users/{user}/balance") for _ in range(6)]
    policy = '"reads-60";q=5;w=60, "reads-1";q=4;w=1'
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {policy}
    assert [answer.status_code for answer in answers][-1] == 429


def test_admins_have_a_limit_of_their_own(limited: Client) -> None:
    got = [limited.admin(7).get("/api/admin/controls").status_code for _ in range(3)]
    assert got == [200, 200, 429]
    assert limited.admin(8).get("/api/admin/controls").status_code == 200


def test_whoever_lacks_a_scope_is_counted_as_the_caller_that_it_is(limited: Client) -> None:
    def ask(client: Client, path: str) -> int:
        return client.get(path).status_code

    # Given a user who tries the admins' routes, and a service that tries the users'
    tried = [ask(limited.user(7), "/api/admin/controls") for _ in range(3)]
    assert tried == [403, 403, 429]
    tried = [ask(limited.payments(8), "/api/cart") for _ in range(6)]
    assert (tried[:4], tried[-1]) == ([403] * 4, 429)
    # Then others, and what the user may do, are not touched by it
    assert ask(limited.admin(9), "/api/admin/controls") == 200
    assert ask(limited.user(7), "/api/users/7/balance") == 404


def test_somebody_elses_is_counted_once(limited: Client) -> None:
    one, other = given_users(0, 0)
    answers = [limited.user(one).get(f"/api/users/{other}/balance") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert answers[-1].headers["RateLimit"].startswith('"reads-60";r=2;')


def test_without_a_token_the_address_counts(limited: Client) -> None:
    def ask(address: str, path: str = "/api/products") -> int:
        return limited.get(path, environ_base={"REMOTE_ADDR": address}).status_code

    assert [ask("192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
    assert ask("192.0.2.2") == 200
    # And an IPv6 customer has a whole network
    got = [ask(f"2001:db8::{at}") for at in range(1, 5)]
    assert got == [200, 200, 200, 429]
    assert ask("2001:db8:0:1::1") == 200
    # And trying tokens is limited likewise
    bad = {"Authorization": "Bearer x"}
    tried = [
        limited.get("/api/jobs", headers=bad, environ_base={"REMOTE_ADDR": "192.0.2.3"}).status_code
        for _ in range(4)
    ]
    assert tried == [401, 401, 401, 429]
    # And what is not there too
    assert [ask("192.0.2.4", "/nowhere") for _ in range(4)] == [404, 404, 404, 429]


WATCHING = {"/healthz", "/readyz", "/metrics", "/ops", "/ops/figures.json"}
READABLE = ("/openapi.json", "/docs", "/asyncapi.json", "/api/products")


def test_who_watches_is_never_limited(limited: Client) -> None:
    for path in WATCHING:
        answers = [limited.get(path) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {200}, path
        assert "RateLimit" not in answers[0].headers


@pytest.mark.parametrize("path", READABLE)
def test_who_reads_the_documents_is(limited: Client, path: str) -> None:
    # The client holds each answer, the refusal too, against the document
    answers = [limited.get(path) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_the_document_tells_429_of_all_that_is_limited(limited: Client) -> None:
    paths = document_of(limited.app).told["paths"]
    without = {
        path for path, item in paths.items()
        for operation in item.values() if "429" not in operation["responses"]
    }
    assert without == WATCHING


def test_off_is_no_limit(database: None, redis: Redis) -> None:
    with app_with(RATE_LIMIT_COMMANDS="off", RATE_LIMIT_READS="1 per minute") as client:
        [user] = given_users(0)
        assert [charge(client, user) for _ in range(5)] == [202] * 5
    none = dict.fromkeys(LIMITS, "off")
    with app_with(**none) as client:
        answer = client.get("/api/products")
        assert "RateLimit" not in answer.headers


def test_forwarded_addresses_are_believed_as_far_as_said(database: None, redis: Redis) -> None:
    def ask(client: Client, address: str) -> int:
        return client.get("/api/products", headers={"X-Forwarded-For": address}).status_code

    with app_with(RATE_LIMIT_PUBLIC="1 per minute", TRUSTED_PROXIES="1") as client:
        in_one_window(client)
        assert [ask(client, one) for one in ("192.0.2.1", "192.0.2.2")] == [200, 200]
        # What the client itself put before the proxy's word does not count
        assert ask(client, "192.0.2.9, 192.0.2.1") == 429
    with app_with(RATE_LIMIT_PUBLIC="1 per minute") as client:
        in_one_window(client)
        assert [ask(client, one) for one in ("192.0.2.1", "192.0.2.2")] == [200, 429]


def test_without_redis_nobody_is_refused_and_nobody_waits(
    limited: Client, services: TestServices
) -> None:
    [user] = given_users(0)
    assert [charge(limited, user) for _ in range(4)] == [202, 202, 202, 429]
    [other] = given_users(0)
    services.redis.stop()
    try:
        assert [charge(limited, other) for _ in range(10)] == [202] * 10
    finally:
        services.redis.start()
    # And limits hold again once it is back
    eventually(lambda: charge(limited, other) == 429, 10, "limits hold again")
