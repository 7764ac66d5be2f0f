"""First come, first served, measured from outside: by what a hundred clients saw, and when.

150 of a coupon for 1,500 who ask, or as many as CHAOS_FIRST_COME says for ten times as many.
"""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import pytest

from tests.support.api import Api
from tests.support.chaos.crowd import assert_audit_holds, crowded, extent
from tests.support.chaos.stage import Stage
from tests.support.market import select
from tests.support.services import TestServices
from tests.support.waiting import eventually

QUANTITY = extent("CHAOS_FIRST_COME", 150)
REQUESTS = 10 * QUANTITY
CLIENTS = 100
CANCELS = 10
"""One of so many takes their request back as soon as it is accepted."""

pytestmark = pytest.mark.timeout(180 + REQUESTS // 10)


@pytest.fixture(scope="module")
def stage(
    services: TestServices, _schema: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with crowded(services, tmp_path_factory.mktemp("fleet"), {"DRAIN_BATCH": "64"}) as running:
        running.cli("seed", "--users", str(REQUESTS))
        yield running


@dataclass
class Request:
    """One request for the coupon, as its client saw it. Monotonic seconds."""

    user: int
    sent_at: float
    answered_at: float
    job: str
    """Empty where it was told at once that all are gone."""
    cancelled: bool = False
    won: bool = False
    sequence: int = 0


class Crowd:
    """Clients that ask for one coupon, each for one user after another."""

    def __init__(self, api: Api, coupon: int, users: Sequence[int]) -> None:
        self._api = api
        self._coupon = coupon
        self._users = iter(users)
        self._lock = threading.Lock()
        self.requests: list[Request] = []

    def ask_all(self) -> None:
        """One client's work: until nobody is left who has not asked."""
        while True:
            with self._lock:
                user = next(self._users, None)
            if user is None:
                return
            request = self._ask(user)
            self.requests.append(request)
            if request.job and user % CANCELS == 0:
                answer = self._api.call("POST", f"/api/jobs/{request.job}/cancel", user=user)
                assert answer.status == 200 or answer.code == "J001", answer
                request.cancelled = answer.status == 200

    def _ask(self, user: int) -> Request:
        sent_at = time.monotonic()
        answer = self._api.issue(user, self._coupon)
        answered_at = time.monotonic()
        if answer.status == 202:
            return Request(user, sent_at, answered_at, answer.body["jobId"])
        assert answer.code == "C001", answer
        return Request(user, sent_at, answered_at, "")

    def accepted(self) -> list[Request]:
        return [request for request in list(self.requests) if request.job]

    def hear_the_end(self, request: Request) -> None:
        """Follow a request to its job's end, from outside too."""
        if not request.cancelled:
            answer = self._api.call(
                "GET", f"/api/jobs/{request.job}", user=request.user, prefer="wait=30"
            )
            assert answer.status == 200, answer
            request.won = answer.body["status"] == "succeeded"
            assert request.won or answer.body["error"]["code"] == "C001", answer


def let_them_ask(stage: Stage, crowd: Crowd) -> None:
    """All clients at once; the workers stand still until thrice as many are in line as can win."""
    workers = [pid for name in ("coupons", "coupons2") for pid in stage.children(name)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for pid in workers:
            stage.signal(pid, signal.SIGSTOP)
        try:
            asking = [pool.submit(crowd.ask_all) for _ in range(CLIENTS)]
            eventually(lambda: len(crowd.accepted()) >= 3 * QUANTITY, 60 + QUANTITY / 10, "a line")
        finally:
            for pid in workers:
                stage.signal(pid, signal.SIGCONT)
        for client in asking:
            client.result()
        list(pool.map(crowd.hear_the_end, crowd.accepted()))


def test_whoever_was_answered_before_another_asked_never_loses_to_it(stage: Stage) -> None:
    # Given a coupon for one in ten
    users = [user for (user,) in select("SELECT id FROM users ORDER BY id")]
    crowd = Crowd(stage.api, stage.api.new_coupon(QUANTITY), users)
    # When a hundred clients ask for all of them, and some take it back
    let_them_ask(stage, crowd)
    assert len(crowd.requests) == REQUESTS
    sequence = {
        str(UUID(bytes=uuid)): number for uuid, number in select("SELECT uuid, seq FROM jobs")
    }
    line = crowd.accepted()
    for request in line:
        request.sequence = sequence[request.job]
    line.sort(key=lambda request: request.sequence)
    # Then each place in the line was given once
    assert [request.sequence for request in line] == list(range(1, len(sequence) + 1))
    # And those who won are the first of all who stayed in it
    stayed = [request for request in line if not request.cancelled]
    assert [request.won for request in stayed] == [
        place < QUANTITY for place in range(len(stayed))
    ]
    assert len(stayed) < len(line)
    # And nobody in it stands behind one who asked after they had been answered
    latest = 0.0
    for request in line:
        assert request.answered_at >= latest, request
        latest = max(latest, request.sent_at)
    # And nobody who lost, be it at once, had their answer before somebody who won had asked
    lost = [one for one in crowd.requests if not one.won and not one.cancelled]
    assert len(lost) > len(stayed) - QUANTITY, "nobody was told at once"
    last = max(request.sent_at for request in stayed if request.won)
    assert [request for request in lost if request.answered_at < last] == []
    assert_audit_holds()
