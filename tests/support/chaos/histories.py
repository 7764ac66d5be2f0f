"""Histories: what eight clients of two users and one coupon saw while something broke.

Times are the clients' own: an operation is called when its request is sent for the first time, and
returns when its job's end is seen. A client that gets no answer sends the request again with its
Idempotency-Key, or gives up: then it may have happened or not.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import urllib3

from domain.jobs.committer import UNKNOWN
from tests.support.api import ENDED, Answer, Api
from tests.support.chaos.linearizability import Operation
from tests.support.chaos.models import REFUSED, Charge, Issue, Pay, Read, Refund, SetTotal
from tests.support.waiting import eventually

CLIENTS = 8
MOVES = 15
OPENING = 300
TOTAL = 10
SEEN_BEFORE = 10
PRICE = 300
PATIENCE = 60.0
NO_ANSWER = (urllib3.exceptions.HTTPError, OSError)


@dataclass
class Shop:
    """What the clients of one history share: two users with money, and a coupon that too many
    want."""

    api: Api
    users: Sequence[int]
    askers: Sequence[int]
    coupon: int
    product: int
    operations: list[Operation] = field(default_factory=list)
    carts: dict[int, threading.Lock] = field(default_factory=dict)
    struck: threading.Event = field(default_factory=threading.Event)

    @staticmethod
    def opened(api: Api) -> "Shop":
        users = [api.new_user(OPENING) for _ in range(2)]
        askers = users + [api.new_user() for _ in range(20)]
        product, coupon = api.new_product(1_000_000, PRICE), api.new_coupon(TOTAL)
        return Shop(
            api, users, askers, coupon, product, carts={user: threading.Lock() for user in users}
        )


def played(shop: Shop, seed: int, fault: Callable[[], None]) -> Sequence[Operation]:
    """The history of eight clients, with ``fault`` injected when it has begun."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        playing = [pool.submit(_Client(shop, seed, number).play) for number in range(CLIENTS)]
        eventually(lambda: len(shop.operations) >= SEEN_BEFORE, 30, "a history begins")
        try:
            fault()
        finally:
            shop.struck.set()
        for client in playing:
            client.result()
    return shop.operations


class _Client:
    """One client, that makes one move after another."""

    def __init__(self, shop: Shop, seed: int, number: int) -> None:
        self._shop = shop
        self._api = shop.api
        self._random = random.Random(f"{seed}/{number}")
        self._user = shop.users[number % len(shop.users)]
        self._keys = (f"{seed}/{number}/{place}" for place in count())
        self._orders: list[tuple[int, int]] = []

    def play(self) -> None:
        moves = [self._charge, self._pay, self._refund, self._read_balance, self._issue,
                 self._read_coupon, self._set_total]
        made = 0
        while made < MOVES or not self._shop.struck.is_set():
            [move] = self._random.choices(moves, [4, 4, 2, 3, 5, 3, 1])
            move()
            made += 1
            if made >= MOVES:  # what is still to be struck must have something to be struck at
                self._shop.struck.wait(0.1)

    def _charge(self) -> None:
        amount = self._random.randint(1, 400)
        self._do(
            self._user, Charge(amount), "POST", f"/api/users/{self._user}/balance/charge",
            {"amount": amount},
            lambda won, body: (body["previousBalance"], body["currentBalance"]) if won else None,
        )

    def _pay(self) -> None:
        """Fill the cart and order it. A user has one cart, so one client at a time does that; the
        others charge meanwhile."""
        cart = self._shop.carts[self._user]
        if not cart.acquire(blocking=False):
            self._charge()
            return
        try:
            quantity = self._random.randint(1, 3)
            total = quantity * PRICE
            if self._fill_cart(quantity):
                self._do(
                    self._user, Pay(total), "POST", "/api/orders", {"expectedTotal": total},
                    lambda won, body: self._paid(total, won, body),
                )
        finally:
            cart.release()

    def _fill_cart(self, quantity: int) -> bool:
        body = {"productId": self._shop.product, "quantity": quantity}
        try:
            self._api.call("DELETE", "/api/cart", user=self._user)
            answer = self._api.call("POST", "/api/cart/items", body, user=self._user)
        except NO_ANSWER:
            return False
        return answer.status == 201

    def _paid(self, total: int, won: bool, body: Any) -> Any:
        if won:
            assert body["finalAmount"] == total, body
            self._orders.append((body["orderId"], total))
            return True
        return body["currentBalance"] if body["code"] == "PAY001" else None

    def _refund(self) -> None:
        if not self._orders:
            self._read_balance()
            return
        order, total = self._orders.pop()
        self._do(
            self._user, Refund(total), "POST", f"/api/orders/{order}/cancel", None,
            lambda won, body: won or None,
        )

    def _read_balance(self) -> None:
        self._do(
            self._user, Read(), "GET", f"/api/users/{self._user}/balance", None,
            lambda won, body: body["balance"] if won else None,
        )

    def _issue(self) -> None:
        user = self._random.choice(self._shop.askers)
        self._do(
            user, Issue(user), "POST", f"/api/coupons/{self._shop.coupon}/issue", None,
            lambda won, body: won or body["code"], about_coupon=True,
        )

    def _read_coupon(self) -> None:
        self._do(
            self._user, Read(), "GET", f"/api/coupons/{self._shop.coupon}", None,
            lambda won, body: (body["maxQuantity"], body["issuedQuantity"]) if won else None,
            about_coupon=True,
        )

    def _set_total(self) -> None:
        # Before the strike it may be more than there are askers: a coupon that is sold out has no
        # jobs, and one strike waits for a worker that holds some.
        total = self._random.randint(6, 14 if self._shop.struck.is_set() else 40)
        self._do(
            1, SetTotal(total), "PATCH", f"/api/coupons/{self._shop.coupon}",
            {"maxQuantity": total}, lambda won, body: True if won else REFUSED,
            about_coupon=True,
        )

    def _do(
        self, user: int, asked: Any, method: str, path: str, body: Any,
        read: Callable[[bool, Any], Any], *, about_coupon: bool = False,
    ) -> None:
        """Send it, follow it to its end, and note what was seen.

        ``read`` makes the answer that the model knows of whether it was done, and the body; None
        if it had no effect and tells nothing.
        """
        key = ("coupon", self._shop.coupon) if about_coupon else ("user", user)
        called_at = time.monotonic()
        answer = self._ended(user, method, path, body)
        returned_at = time.monotonic()
        if answer is None:
            self._shop.operations.append(Operation(key, asked, called_at))
            return
        if answer.status == 503:
            return  # the contract: no job was made
        assert answer.status < 500, answer
        seen = read(answer.status in (200, 201), answer.body)
        if seen is not None:
            self._shop.operations.append(Operation(key, asked, called_at, returned_at, seen))

    def _ended(self, user: int, method: str, path: str, body: Any) -> Answer | None:
        """The answer at the end; None when it is not known whether anything was done."""
        key, persistent = next(self._keys), method == "POST" and self._random.random() < 1 / 3
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._try(user, method, path, body, key)
            unknown = answer is None or answer.body.get("detail") == UNKNOWN
            if not unknown and answer is not None:
                return self._followed(user, answer) if answer.status == 202 else answer
            if not persistent or time.monotonic() > deadline:
                return None
            time.sleep(0.2)

    def _try(self, user: int, method: str, path: str, body: Any, key: str) -> Answer | None:
        try:
            return self._api.call(
                method, path, body, user=user, admin=user == 1, idempotency_key=key,
                prefer="wait=20",
            )
        except NO_ANSWER:
            return None

    def _followed(self, user: int, accepted: Answer) -> Answer:
        """The end of a job that took longer than the answer could wait."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                job = self._api.call(
                    "GET", f"/api/jobs/{accepted.body['jobId']}", user=user, prefer="wait=10"
                ).body
            except NO_ANSWER:
                continue
            if job.get("status") in ENDED:
                won = job["status"] == "succeeded"
                return Answer(200 if won else job["error"]["status"], {},
                              job["result"] if won else job["error"])
        raise AssertionError(f"job {accepted.body['jobId']} does not end")
