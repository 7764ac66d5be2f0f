"""What counts as the same body for an Idempotency-Key, and how long a key is kept."""

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from infra.database import rows, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.shop import given_users


def charge(client: Client, user: int, body: str, query: str = "") -> TestResponse:
    return client.user(user).call(
        "POST", f"/api/users/{user}/balance/charge{query}", data=body,
        headers={"Idempotency-Key": "k"}, content_type="application/json",
    )


@pytest.mark.parametrize(
    "again",
    [
        '{"amount":5,"paymentMethod":"caf\u00e9"}',
        '  { "paymentMethod" : "caf\u00e9",\n "amount" : 5 } ',
        '{"amount":5,"paymentMethod":"caf\\u00e9"}',
    ],
    ids=["as it was", "order and spaces", "escapes"],
)
def test_a_body_is_what_it_says_not_how_it_is_written(client: Client, again: str) -> None:
    [user] = given_users(0)
    first = charge(client, user, '{"amount":5,"paymentMethod":"caf\u00e9"}')
    answer = charge(client, user, again)
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert answer.get_json()["jobId"] == first.get_json()["jobId"]


@pytest.mark.parametrize(
    "other",
    [
        '{"amount":6,"paymentMethod":"card"}',
        '{"amount":5}',
        '{"amount":5,"paymentMethod":"card","transactionId":null}',
        '{"amount":5,"paymentMethod":"Card"}',
    ],
)
def test_whatever_else_it_says_is_another_request(client: Client, other: str) -> None:
    [user] = given_users(0)
    assert charge(client, user, '{"amount":5,"paymentMethod":"card"}').status_code == 202
    refused(charge(client, user, other), 422, "COMMON006")


@pytest.mark.usefixtures("redis")
def test_no_body_and_an_empty_object_are_the_same(client: Client) -> None:
    [user] = given_users(0)
    caller = client.user(user)
    key = {"Idempotency-Key": "k"}
    first = caller.post("/api/orders", headers=key)
    again = caller.post("/api/orders", {}, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.get_json()["jobId"] == first.get_json()["jobId"]


def test_a_refused_body_claims_nothing(client: Client) -> None:
    [user] = given_users(0)
    refused(charge(client, user, '{"amount":0}'), 422, "COMMON001")
    refused(charge(client, user, '{"amount":'), 400, "COMMON001")
    assert charge(client, user, '{"amount":1}').status_code == 202


def test_a_key_is_kept_for_a_day_at_least_and_a_transaction_for_ever(
    client: Client, redis: Redis
) -> None:
    [user] = given_users(0)
    assert charge(client, user, '{"amount":1,"transactionId":"t"}').status_code == 202
    with session():
        kept = rows(
            "SELECT TIMESTAMPDIFF(HOUR, NOW(3), expires_at) FROM idempotency_keys "
            "ORDER BY expires_at IS NULL"
        )
    assert kept[0][0] >= 24
    assert kept[1][0] is None


def test_no_setting_keeps_keys_for_less() -> None:
    from pydantic import ValidationError

    from infra.settings import Settings

    for days in (0, 0.5):
        with pytest.raises(ValidationError):
            Settings(_env_file=None, retention_days=days)
