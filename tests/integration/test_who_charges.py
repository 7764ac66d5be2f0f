"""Who may charge a balance: payment services and admins, and its user where settings allow it."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.apps import app_with
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.document import document_of
from tests.support.market import select
from tests.support.shop import given_users

PRODUCTION = {"APP_ENV": "production", "JWT_SECRET": "a secret of this test, which is long enough"}
CLOSED = ({"ALLOW_SELF_CHARGE": "false"}, PRODUCTION, {**PRODUCTION, "ALLOW_SELF_CHARGE": "no"})
OPEN: tuple[dict[str, str], ...] = (
    {}, {"ALLOW_SELF_CHARGE": "true"}, {**PRODUCTION, "ALLOW_SELF_CHARGE": "true"},
)


@pytest.fixture
def shop(database: None, redis: Redis, request: pytest.FixtureRequest) -> Iterator[Client]:
    with app_with(**request.param) as client:
        yield client


def path(user: int) -> str:
    return f"/api/users/{user}/balance/charge"


@pytest.mark.parametrize("shop", CLOSED, indirect=True, ids=str)
def test_a_user_may_not_where_it_is_closed(shop: Client) -> None:
    user, other = given_users(0, 0)
    refused(shop.user(user).post(path(user), {"amount": 5}), 403, "COMMON003")
    refused(shop.user(other).post(path(user), {"amount": 5}), 403, "COMMON003")
    assert select("SELECT * FROM jobs") == []


@pytest.mark.parametrize("shop", OPEN, indirect=True, ids=str)
def test_a_user_may_their_own_where_it_is_open(shop: Client) -> None:
    user, other = given_users(0, 0)
    assert shop.user(user).post(path(user), {"amount": 5}).status_code == 202
    refused(shop.user(other).post(path(user), {"amount": 5}), 403, "COMMON003")
    assert len(select("SELECT * FROM jobs")) == 1


@pytest.mark.parametrize("shop", [*CLOSED, *OPEN], indirect=True, ids=str)
def test_payment_services_and_admins_always_may(shop: Client) -> None:
    [user] = given_users(0)
    for caller in (shop.payments(4711), shop.admin(4712), shop.scoped(user, "user", "payments")):
        assert caller.post(path(user), {"amount": 5}).status_code == 202
    assert len(select("SELECT * FROM jobs")) == 3


def test_the_document_says_what_a_charge_needs(client: Client) -> None:
    told = document_of(client.app).told["paths"]["/api/users/{userId}/balance/charge"]["post"]
    for word in ("`payments`", "`admin`", "`ALLOW_SELF_CHARGE`", "production"):
        assert word in told["description"]
