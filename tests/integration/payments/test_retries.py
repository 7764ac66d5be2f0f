"""A charge that failed after the provider was asked for it is not paid twice by being retried."""

import pytest
from redis import Redis

from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.failing import fail, failed, retried, retry
from tests.support.market import select
from tests.support.payments import Provider, Wakes, a_charge, asking, balance, request_of
from tests.support.shop import accepted, given_users, jobs, work
from tests.support.waiting import eventually


@pytest.mark.parametrize("status", ["asking", "approved", "booked", "voiding"])
def test_while_the_provider_may_hold_its_money_it_is_not_retried(
    client: Client, redis: Redis, provider: Provider, status: str
) -> None:
    # Given a charge that the provider was asked for, and that the system gave up
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 700, "tx"))
    work(redis)
    with asking(provider):
        eventually(lambda: request_of(uuid) == "approved")
    fail(uuid)
    with session():
        execute("UPDATE payment_requests SET status = %s", (status,))
    # When it is retried, Then that says what stands against it, and nothing is made or claimed
    answer = retry(client, uuid)
    refused(answer, 409, "J001")
    assert "payment" in answer.get_json()["detail"]
    assert select("SELECT COUNT(*) FROM jobs") == [(1,)]
    assert select("SELECT COUNT(*) FROM idempotency_keys") == [(0,)]
    assert provider.stats()["payments"] == 1


def test_once_its_money_was_given_back_it_is_paid_and_booked_once(
    client: Client, redis: Redis, provider: Provider
) -> None:
    # Given a charge that was approved, given up before it was booked, and given back
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 700, "tx"))
    work(redis)
    with asking(provider):
        eventually(lambda: request_of(uuid) == "approved")
        fail(uuid)
        eventually(lambda: request_of(uuid) == "voided")
    # When it is retried
    again = retried(client, uuid)
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: jobs([again])[0].status == "succeeded")
    # Then the provider holds its money once, and so does the user
    assert [(provider.held(one) or {})["status"] for one in (uuid, again)] == ["voided", "approved"]
    assert balance(user) == 700


@pytest.mark.parametrize("asked", [False, True])
def test_one_that_took_no_money_is_retried(
    client: Client, redis: Redis, provider: Provider, asked: bool
) -> None:
    # Given a failed charge that the provider was not asked for, or has declined
    [user] = given_users(0)
    if asked:
        provider.set(declineAbove=1)
        [uuid] = accepted(a_charge(user, 700))
        work(redis)
        with asking(provider):
            eventually(lambda: request_of(uuid) == "declined")
        fail(uuid)
        provider.set(declineAbove=None)
    else:
        [uuid] = failed(a_charge(user, 700))
    # When it is retried, Then it is a new payment
    again = retried(client, uuid)
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: jobs([again])[0].status == "succeeded")
    assert balance(user) == 700
