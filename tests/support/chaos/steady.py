"""A modest stream of one lane's requests, each followed to its job's end."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import urllib3

from infra.database import placeholders
from tests.support.api import Answer, Api
from tests.support.chaos.clients import Clients
from tests.support.chaos.faults.base import percentile
from tests.support.chaos.readings import asked
from tests.support.chaos.traffic import Entry, Log
from tests.support.waiting import eventually

CLIENTS = 4
WAIT_SECONDS = 20
Ask = Callable[[int], Answer]
_MONITOR = re.compile(r"</api/jobs/([0-9a-f-]{36})>")


class Steady(Clients):
    """``rate`` requests a second, or fewer where answers come late; ``ask`` sends the one of a
    number, preferring to wait for its end."""

    def __init__(self, ask: Ask, rate: float) -> None:
        self._ask = ask
        self._between = CLIENTS / rate
        self._taken = 0
        self._lock = threading.Lock()
        self.log = Log()
        super().__init__([
            threading.Thread(target=self._run, args=(at / rate,), daemon=True)
            for at in range(CLIENTS)
        ])

    def await_answers(self, number: int, since: float | None = None) -> None:
        """Wait for so many answers to requests sent since a monotonic time, else from now on."""
        begins = time.monotonic() if since is None else since
        eventually(
            lambda: len(self.log.between(begins, float("inf"))) >= number, 60, "the stream flows"
        )

    def _run(self, later: float) -> None:
        due = time.monotonic() + later
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            with self._lock:
                number = self._taken
                self._taken += 1
            self.log.entries.append(self._one(number))
            due = max(due + self._between, time.monotonic())

    def _one(self, number: int) -> Entry:
        began = time.monotonic()
        try:
            answer = self._ask(number)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Entry("steady", number, "", began, time.monotonic(), 0, repr(error)[:200])
        job = _MONITOR.search(answer.headers.get("Link", ""))
        return Entry("steady", number, "", began, time.monotonic(), answer.status, answer.code,
                     job[1] if job else "")


def charges(api: Api, first: int, users: int) -> Ask:
    """The lane ``users``: one won for each of so many users in turn."""
    prefer = f"wait={WAIT_SECONDS}"
    return lambda number: api.charge(first + number % users, 1, prefer=prefer)


def issues(api: Api, first: int, users: int) -> Ask:
    """The lane ``coupons``: a coupon to each of so many users in turn, then another one."""
    coupons: list[int] = []
    making = threading.Lock()

    def ask(number: int) -> Answer:
        with making:
            if number // users >= len(coupons):
                coupons.append(api.new_coupon(1_000_000))
        return api.issue(first + number % users, coupons[number // users],
                         prefer=f"wait={WAIT_SECONDS}")

    return ask


def answered(entries: Sequence[Entry], share: float) -> float:
    """Milliseconds from sending to the answer that tells the job's end, as the clients saw it."""
    return percentile([entry.milliseconds for entry in entries], share)


def ended(entries: Sequence[Entry], share: float) -> float:
    """Milliseconds from a job's acceptance to its end, by the database's clock."""
    ids = [UUID(entry.job).bytes for entry in entries if entry.job]
    if not ids:
        return 0.0
    found = asked(
        "SELECT TIMESTAMPDIFF(MICROSECOND, accepted_at, COALESCE(finished_at, NOW(3))) FROM jobs "
        f"WHERE uuid IN ({placeholders(len(ids))})", ids,
    )
    return percentile([float(microseconds) / 1000 for (microseconds,) in found], share)
