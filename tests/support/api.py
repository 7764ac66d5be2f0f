"""A client of the HTTP API, as a user of it would write one; answers are held to the document."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import urllib3

from infra.tokens import issue
from tests.support.document import document
from tests.support.waiting import eventually

ENDED = {"succeeded", "failed", "cancelled"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: Any

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Api:
    """Calls with the token of a user or an admin; keeps connections, safe in threads.

    ``described``: whether what answers is this release, whose document its answers are held to.
    """

    def __init__(self, base: str, *, described: bool = True) -> None:
        self.base = base
        self._described = described
        self._pool = urllib3.PoolManager(maxsize=256, retries=False, timeout=40.0)
        self._tokens: dict[tuple[int, bool], str] = {}

    def token(self, user: int, admin: bool = False) -> str:
        key = (user, admin)
        if key not in self._tokens:
            scopes = ["user", "admin"] if admin else ["user"]
            self._tokens[key] = issue(user, scopes, timedelta(hours=1))
        return self._tokens[key]

    def call(
        self, method: str, path: str, body: Any = None, *, user: int | None = None,
        admin: bool = False, **headers: str,
    ) -> Answer:
        """One request; ``idempotency_key="k"`` becomes the header Idempotency-Key."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if user is not None:
            sent["Authorization"] = f"Bearer {self.token(user, admin)}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        got = self._pool.request(method, self.base + path, body=data, headers=sent, redirect=False)
        if self._described:
            document().check(method, path, got.status, got.headers, got.data)
        is_json = "json" in got.headers.get("Content-Type", "")
        return Answer(got.status, got.headers, json.loads(got.data) if is_json else got.data)

    def hang_up(self) -> None:
        """Close the connections that were kept."""
        self._pool.clear()

    def ready(self) -> bool:
        try:
            return self.call("GET", "/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def job(self, job_id: str, user: int) -> dict[str, Any]:
        answer = self.call("GET", f"/api/jobs/{job_id}", user=user)
        assert answer.status == 200, answer
        return dict(answer.body)

    def ended(self, accepted: Answer, user: int, seconds: float = 40) -> dict[str, Any]:
        """The job of a 202, followed to its end."""
        assert accepted.status == 202, accepted

        def look() -> dict[str, Any] | None:
            job = self.job(accepted.body["jobId"], user)
            return job if job["status"] in ENDED else None

        job = eventually(look, seconds, f"job {accepted.body['jobId']} ends")
        assert job is not None
        return job

    # The things that tests begin with.

    def new_user(self, balance: int = 0) -> int:
        answer = self.call("POST", "/api/users", {"name": "u", "balance": balance}, user=1,
                           admin=True)
        assert answer.status == 201, answer
        return int(answer.body["userId"])

    def new_product(self, stock: int, price: int = 1000) -> int:
        body = {"name": "thing", "price": price, "stock": stock}
        answer = self.call("POST", "/api/products", body, user=1, admin=True)
        assert answer.status == 201, answer
        return int(answer.body["productId"])

    def new_coupon(self, quantity: int, **more: Any) -> int:
        body = {
            "name": "drop", "discountType": "fixed", "discountValue": 100,
            "maxQuantity": quantity, "expiresAt": "2099-01-01T00:00:00.000Z", **more,
        }
        answer = self.call("POST", "/api/coupons", body, user=1, admin=True)
        assert answer.status == 201, answer
        return int(answer.body["couponId"])

    def put_in_cart(self, user: int, product: int, quantity: int = 1) -> int:
        body = {"productId": product, "quantity": quantity}
        answer = self.call("POST", "/api/cart/items", body, user=user)
        assert answer.status == 201, answer
        return int(answer.body["cartItemId"])

    def charge(self, user: int, amount: int, **headers: str) -> Answer:
        return self.call("POST", f"/api/users/{user}/balance/charge", {"amount": amount},
                         user=user, **headers)

    def order(self, user: int, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", "/api/orders", body, user=user, **headers)

    def issue(self, user: int, coupon: int, **headers: str) -> Answer:
        return self.call("POST", f"/api/coupons/{coupon}/issue", user=user, **headers)

    def balance(self, user: int) -> int:
        return int(self.call("GET", f"/api/users/{user}/balance", user=user).body["balance"])
