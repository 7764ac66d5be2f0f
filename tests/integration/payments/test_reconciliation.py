"""The provider's list against the ledger: each way in which they can differ is found, once."""

import threading
from uuid import UUID, uuid4

import pytest
from redis import Redis

from domain.payments import reconciliation as module
from domain.payments.comparison import WrongAnswer
from domain.payments.reconciliation import Reconciliation, open_differences
from infra import metrics
from infra.database import execute, rows, session
from infra.payment_gateway import PaymentGateway
from infra.settings import settings
from tests.support.cli import run
from tests.support.payments import Provider, Wakes, a_charge, asking
from tests.support.shop import accepted, given_users, jobs, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")


def comparing(provider: Provider, grace: int = 0) -> Reconciliation:
    gateway = PaymentGateway(provider.url, 2.0, 1)
    return Reconciliation(gateway, grace, threading.Event())


def found() -> dict[str, str]:
    """Kind of each open difference, by payment."""
    return {key: kind for key, kind, _, _ in open_differences(1000)}


@pytest.fixture
def booked(redis: Redis, provider: Provider) -> list[UUID]:
    """Three booked charges of 100 won, that were compared already."""
    users = given_users(0, 0, 0)
    # The first comparison begins with what is new from then on
    comparing(provider).run()
    uuids = accepted(*[a_charge(user) for user in users])
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: all(job.status == "succeeded" for job in jobs(uuids)))
    assert comparing(provider).run() == 0
    return uuids


def set_amount(uuid: UUID, amount: int) -> None:
    with session():
        execute("UPDATE payment_requests SET amount = %s WHERE job_uuid = %s",
                (amount, uuid.bytes))


def test_what_agrees_is_compared_once(booked: list[UUID], provider: Provider) -> None:
    with session():
        assert rows("SELECT COUNT(*) FROM payment_requests WHERE reconciled_at IS NULL") == [(0,)]
    assert found() == {}


def test_a_payment_that_nobody_asked_for_is_found_and_said_once(
    booked: list[UUID], provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    # Given two payments of whose keys nobody here knows, one of them no id of ours
    unknown = str(uuid4())
    provider.pay(unknown, 900)
    provider.pay("order 7/é", 5)
    # When compared, twice
    caplog.clear()
    assert comparing(provider).run() == 2
    assert comparing(provider).run() == 2
    # Then they are differences, counted, and said once each
    assert found() == {unknown: "unknown-here", "order 7/\\xe9": "unknown-here"}
    assert metrics.payments_differing.labels("unknown-here")._value.get() == 2
    assert caplog.text.count("the payment provider and the ledger differ") == 2


def test_amounts_that_differ_are_found_and_closed_when_they_agree(
    booked: list[UUID], provider: Provider
) -> None:
    # Given a difference that the list shows
    set_amount(booked[0], 99)
    assert comparing(provider).run() == 1
    assert found() == {str(booked[0]): "amount"}
    # When it is mended, though no list shows the payment any more
    with session():
        execute("UPDATE heartbeats SET detail = JSON_SET(detail, '$.since', "
                "'2099-01-01T00:00:00.000Z') WHERE name = 'payments'")
    set_amount(booked[0], 100)
    # Then it is looked at again all the same
    assert comparing(provider).run() == 0
    assert metrics.payments_differing.labels("amount")._value.get() == 0


def test_a_booked_charge_that_the_provider_does_not_have_is_found(
    booked: list[UUID], provider: Provider
) -> None:
    # Given a provider that has forgotten all, and bookings that no list has shown
    provider.stop()
    provider.start()
    with session():
        execute("UPDATE payment_requests SET reconciled_at = NULL WHERE job_uuid = %s",
                (booked[1].bytes,))
    # When within the grace, Then it may yet come
    assert comparing(provider, grace=300).run() == 0
    # When compared after it, Then it is found
    assert comparing(provider).run() == 1
    assert found() == {str(booked[1]): "not-taken"}


def test_a_payment_taken_there_and_refused_here_is_found(
    booked: list[UUID], provider: Provider
) -> None:
    with session():
        execute("UPDATE payment_requests SET status = 'declined' WHERE job_uuid = %s",
                (booked[2].bytes,))
    assert comparing(provider).run() == 1
    assert found() == {str(booked[2]): "not-booked"}


def test_one_that_is_under_way_is_no_difference_before_it_is_old(
    redis: Redis, provider: Provider
) -> None:
    # Given a charge that the provider has taken, of which the shop does not know yet
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user))
    work(redis)
    provider.pay(str(uuid), 100, user)
    assert comparing(provider, grace=300).run() == 0
    # When it stays so for too long
    assert comparing(provider).run() == 1
    assert found() == {str(uuid): "not-booked"}
    # Then it ends as a difference when it is booked
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: jobs([uuid])[0].status == "succeeded")
    assert comparing(provider).run() == 0


def test_a_charge_booked_without_asking_is_found_and_can_be_accepted(
    booked: list[UUID], redis: Redis, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that does not know of the provider
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40))
    with monkeypatch.context() as patch:
        patch.setenv("PAYMENT_GATEWAY_URL", "")
        settings.cache_clear()
        work(redis)
    settings.cache_clear()
    # When compared
    assert comparing(provider).run() == 1
    assert comparing(provider).run() == 1
    # Then the charge is a difference
    listed = run("payments", "differences", "--json")
    assert f'"key":"{uuid}","kind":"not-asked"' in listed.stdout
    assert "not-asked" in run("payments", "differences").stdout
    # Until an operator has dealt with it
    done = run("payments", "accept", str(uuid), "--note", "paid by bank transfer")
    assert (done.exit_code, done.stdout) == (0, f"{uuid} is accepted\n")
    assert comparing(provider).run() == 0
    again = run("payments", "accept", str(uuid), "--note", "x")
    assert (again.exit_code, again.stderr) == (1, "Error: There is no such open difference.\n")
    assert "agree" in run("payments", "differences").stdout


def test_the_list_is_read_page_by_page_and_from_where_it_was_left(
    booked: list[UUID], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given more payments than a comparison may read
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "MOST_PAGES", 3)
    monkeypatch.setattr(module, "OVERLAP", module.timedelta(0))
    for number in range(12):
        provider.pay(f"p{number}", 5)
    # When compared again and again, Then each goes on from the one before, until all are found
    counts = [comparing(provider).run() for _ in range(5)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == 12


def test_a_provider_that_is_away_spoils_nothing(booked: list[UUID], provider: Provider) -> None:
    # Given a difference, and a provider that cannot be reached
    provider.pay("p", 5)
    comparing(provider).run()
    provider.stop()
    # When compared, Then that is an error, and what is known stays
    with pytest.raises(WrongAnswer):
        comparing(provider).run()
    assert found() == {"p": "unknown-here"}


def test_before_the_first_charge_there_is_nothing_to_compare(provider: Provider) -> None:
    provider.pay("somebody else's", 5)
    assert comparing(provider).run() == 0
