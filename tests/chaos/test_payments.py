"""Charges through a whole fleet whose payment provider misbehaves, and whose processes die."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3

from fleet.ports import find_free_port
from infra.database import execute, rows, session
from tests.support.fleet import Fleet
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database", "redis")

PROGRAMS = ("web", "users", "scheduler", "consumers", "platform", "payments")


@pytest.fixture
def fleet(services: TestServices, tmp_path: Path, database: None) -> Iterator[Fleet]:
    empty_topics()
    made = Fleet(services, tmp_path, {
        "PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{find_free_port()}",
        "PAYMENT_GATEWAY_TIMEOUT": "1", "PAYMENT_PROVIDER_LATENCY": "0.1",
        "PAYMENT_PROVIDER_FAILURE_RATE": "0", "PAYMENT_PROVIDER_DECLINE_RATE": "0",
        "PAYMENT_RECONCILE_SECONDS": "1", "PAYMENT_GRACE_SECONDS": "3",
    })
    made.start(*PROGRAMS)
    made.wait_ready()
    yield made
    made.end()


class Provider:
    """What the test asks the stand-in."""

    def __init__(self, fleet: Fleet) -> None:
        self._url = fleet.settings["PAYMENT_GATEWAY_URL"]
        self._http = urllib3.PoolManager(retries=False, timeout=5.0)
        eventually(self._healthy, what="the stand-in provider answers")

    def _healthy(self) -> bool:
        try:
            return self._http.request("GET", self._url + "/healthz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def stats(self) -> dict[str, int]:
        return dict(self._http.request("GET", self._url + "/stats").json())

    def set(self, **wanted: Any) -> None:
        assert self._http.request("PUT", self._url + "/settings", json=wanted).status == 200


def statuses() -> dict[str, int]:
    with session():
        found = rows("SELECT status, COUNT(*) FROM payment_requests GROUP BY status")
    return {status: int(count) for status, count in found}


def test_who_waits_is_answered_with_the_booking_or_the_refusal(fleet: Fleet) -> None:
    provider = Provider(fleet)
    user = fleet.api.new_user(10)
    # When a charge is approved while its caller waits
    booked = fleet.api.charge(user, 500, Prefer="wait=20")
    # Then it is answered with the booking
    assert (booked.status, booked.body["currentBalance"]) == (200, 510)
    # When one is declined
    provider.set(declineAbove=100)
    declined = fleet.api.charge(user, 500, Prefer="wait=20")
    # Then with the problem, which its job has too
    assert (declined.status, declined.code) == (402, "PAY002")
    job = fleet.api.call("GET", "/api/jobs?status=failed", user=user).body["jobs"][0]
    assert job["error"]["code"] == "PAY002"
    assert fleet.api.balance(user) == 510


def test_nothing_is_lost_or_doubled_when_everything_fails_and_dies(fleet: Fleet) -> None:
    # Given a provider that fails one call in four, some of them after it has taken the money
    provider = Provider(fleet)
    provider.set(failureRate=0.25, declineRate=0.1)
    users = [fleet.api.new_user() for _ in range(20)]
    # When charges come while the asker, the worker and Redis's memory go
    with ThreadPoolExecutor(8) as pool:
        charging = [pool.submit(fleet.api.charge, user, 100) for user in users for _ in range(15)]
        eventually(lambda: provider.stats()["payments"] > 30, 30)
        fleet.kill("consumers")
        fleet.kill("users")
        fleet.flush_redis()
        fleet.start("users", "consumers")
        eventually(lambda: provider.stats()["payments"] > 120, 60)
        fleet.kill("users")
        fleet.kill("consumers")
        fleet.start("users", "consumers")
        accepted = [one.result() for one in charging]
    assert {one.status for one in accepted} == {202}
    # Then each ends as the provider says
    eventually(lambda: set(statuses()) <= {"booked", "declined"}
               and sum(statuses().values()) == 300, 90)
    stats = provider.stats()
    assert (stats["payments"], stats["voided"], stats["pending"]) == (300, 0, 0)
    eventually(lambda: statuses() == {"booked": stats["approved"],
                                      "declined": stats["declined"]}, 30)
    eventually(lambda: sum(map(fleet.api.balance, users)) == 100 * stats["approved"], 30)
    # And the books agree
    fleet.assert_audit_holds()
    eventually(lambda: _unreconciled() == 0, 30, "the scheduler has compared all")
    assert fleet.cli("payments", "differences", "--json").stdout == ""


def _unreconciled() -> int:
    with session():
        return int(rows("SELECT COUNT(*) FROM payment_requests "
                        "WHERE status = 'booked' AND reconciled_at IS NULL")[0][0])


def test_without_an_asker_the_scheduler_still_ends_holds(fleet: Fleet) -> None:
    # Given a charge that nobody asks for, and an order behind it
    fleet.stop("consumers")
    user = fleet.api.new_user()
    charge, order = fleet.api.charge(user, 500), fleet.api.order(user, {})
    eventually(lambda: statuses() == {"asking": 1})
    # When it has held its key for as long as it may
    with session():
        execute("UPDATE payment_requests SET held_until = NOW(3)")
    # Then the order goes on, and the charge is booked when somebody asks
    assert fleet.api.ended(order, user)["error"]["code"] == "O003"
    assert fleet.api.job(charge.body["jobId"], user)["status"] == "running"
    fleet.start("consumers")
    assert fleet.api.ended(charge, user)["status"] == "succeeded"


def test_sigterm_lets_calls_end(fleet: Fleet) -> None:
    # Given ten charges, and an asker that comes when all of them are due: all calls are under way
    # at once, however long it takes to post them
    provider = Provider(fleet)
    fleet.stop("consumers")
    users = [fleet.api.new_user() for _ in range(10)]
    for user in users:
        fleet.api.charge(user, 500)
    eventually(lambda: statuses() == {"asking": 10})
    provider.set(latencySeconds=5.0)
    fleet.start("consumers", PAYMENT_GATEWAY_TIMEOUT="20")
    eventually(lambda: provider.stats()["open"] == 10, 30)
    # When the asker is told to end
    fleet.stop("consumers")
    # Then no call was cut off, and what was answered is written down
    assert provider.stats()["open"] == 0
    assert set(statuses()) <= {"approved", "booked"}
    eventually(lambda: [fleet.api.balance(user) for user in users] == [500] * 10)
    assert provider.stats()["requests"] == 10
