"""Real requests from outside, by many clients at once, and the log of what they were answered.

The log is the outside truth: every 202 in it is a promise that the judge holds the fleet to.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tests.support.api import Answer, Api
from tests.support.chaos.clients import Clients

Kind = str
Move = Callable[[], None]


@dataclass(slots=True)
class Entry:
    """One request and its answer; ``status`` 0: no answer came. Times are monotonic seconds."""

    kind: Kind
    user: int
    key: str
    sent_at: float
    answered_at: float
    status: int
    code: str = ""
    job: str = ""
    retry_after: str | None = None
    tries: int = 1

    @property
    def milliseconds(self) -> float:
        return (self.answered_at - self.sent_at) * 1000


@dataclass
class Log:
    """All entries so far; safe to add to from any thread."""

    entries: list[Entry] = field(default_factory=list)

    def jobs(self) -> dict[str, Entry]:
        """Every job that was promised, by id."""
        return {entry.job: entry for entry in list(self.entries) if entry.job}

    def between(self, began: float, ended: float) -> list[Entry]:
        return [entry for entry in list(self.entries) if began <= entry.sent_at < ended]

    def statuses(self) -> Counter[int]:
        return Counter(entry.status for entry in list(self.entries))

    def server_errors(self) -> list[Entry]:
        """Answers 5xx other than 503, which is an answer that the contract gives."""
        return [one for one in list(self.entries) if one.status >= 500 and one.status != 503]


class Traffic(Clients):
    """Clients that order, cancel, charge and ask for coupons until told to stop.

    Each client has users of its own, so that a cart is nobody else's; products and coupons are
    everybody's. A request without an answer, or answered 503, is sent again with the same
    Idempotency-Key, as a good client does.
    """

    def __init__(
        self, api: Api, *, clients: int = 8, users_each: int = 4, seed: int = 1,
        pause: float = 0.0,
    ) -> None:
        self._api = api
        self._random = random.Random(seed)
        self._pause = pause
        self.log = Log()
        self.products = [api.new_product(stock=1_000_000, price=100) for _ in range(10)]
        self.coupons = [api.new_coupon(1_000_000)] + [api.new_coupon(50) for _ in range(3)]
        self.users = [
            [api.new_user(1_000_000) for _ in range(users_each)] for _ in range(clients)
        ]
        super().__init__([
            threading.Thread(target=self._run, args=(users, self._random.random()), daemon=True)
            for users in self.users
        ])

    def _run(self, users: list[int], seed: float) -> None:
        client, moves = self._client(users, random.Random(seed), self._stopping)
        while not self._stopping.is_set():
            client.choose(moves)()
            if self._pause:
                self._stopping.wait(self._pause)

    def _client(
        self, users: list[int], chance: random.Random, stopping: threading.Event
    ) -> "tuple[Client, list[Move]]":
        """A client with these users, and what it does, each as often as the others."""
        client = Client(self._api, self.log, chance, users, stopping)
        return client, [
            client.charge, client.order(self.products), client.cancel, client.issue(self.coupons),
        ]


class Client:
    """One client's moves."""

    def __init__(
        self, api: Api, log: Log, chance: random.Random, users: list[int],
        stopping: threading.Event,
    ) -> None:
        self._api = api
        self._log = log
        self._random = chance
        self._users = users
        self._stopping = stopping
        self._orders: list[tuple[int, str]] = []  # user, job of the order

    def choose(self, moves: list[Move]) -> Move:
        return self._random.choice(moves)

    def charge(self) -> None:
        user = self._random.choice(self._users)
        self._send("balance.charge", user, "POST", f"/api/users/{user}/balance/charge",
                   {"amount": self._random.randint(1, 1000)})

    def order(self, products: list[int]) -> Move:
        def move() -> None:
            user = self._random.choice(self._users)
            for product in self._random.sample(products, 3):
                self._quietly("POST", "/api/cart/items", user,
                              {"productId": product, "quantity": 1})
            entry = self._send("order.place", user, "POST", "/api/orders", None)
            if entry.job:
                self._orders.append((user, entry.job))

        return move

    def cancel(self) -> None:
        if not self._orders:
            return
        user, job = self._orders.pop(self._random.randrange(len(self._orders)))
        found = self._quietly("GET", f"/api/jobs/{job}", user)
        if found is None or found.status != 200 or "result" not in found.body:
            return
        number = found.body["result"]["orderId"]
        self._send("order.cancel", user, "POST", f"/api/orders/{number}/cancel", None)

    def issue(self, coupons: list[int]) -> Move:
        def move() -> None:
            user, coupon = self._random.choice(self._users), self._random.choice(coupons)
            self._send("coupon.issue", user, "POST", f"/api/coupons/{coupon}/issue", None)

        return move

    def _send(self, kind: Kind, user: int, method: str, path: str, body: Any) -> Entry:
        """One command, until it has an answer that is not 503; every try is in the log."""
        key = f"{kind}-{self._random.getrandbits(64):x}"
        tries = 0
        while True:
            tries += 1
            entry = self._try(kind, user, method, path, body, key, tries)
            self._log.entries.append(entry)
            again = entry.status in (0, 503)
            if not again or self._stopping.is_set():
                return entry
            self._stopping.wait(min(2.0, 0.1 * 2**tries) * self._random.uniform(0.5, 1))

    def _try(
        self, kind: Kind, user: int, method: str, path: str, body: Any, key: str, tries: int
    ) -> Entry:
        began = time.monotonic()
        try:
            answer = self._api.call(method, path, body, user=user, Idempotency_Key=key)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Entry(kind, user, key, began, time.monotonic(), 0, repr(error)[:200],
                         tries=tries)
        job = answer.body.get("jobId", "") if answer.status == 202 else ""
        return Entry(kind, user, key, began, time.monotonic(), answer.status, answer.code, job,
                     answer.headers.get("Retry-After"), tries)

    def _quietly(self, method: str, path: str, user: int, body: Any = None) -> Answer | None:
        """A request that promises nothing; None when it was not answered."""
        try:
            return self._api.call(method, path, body, user=user)
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return None
