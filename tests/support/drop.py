"""When: coupons are made, changed and asked for by HTTP."""

from typing import Any

from redis import Redis
from werkzeug.test import TestResponse

from tests.support.client import Client
from tests.support.shop import work

BODY = {
    "name": "Opening day", "discountType": "percentage", "discountValue": 20, "maxQuantity": 100,
    "minOrderAmount": 10_000, "startsAt": "2026-01-01T09:00:00+09:00",
    "expiresAt": "2099-12-31T15:00:00Z",
}
SHOWN = {
    **BODY, "issuedQuantity": 0, "remainingQuantity": 100,
    "startsAt": "2026-01-01T00:00:00.000Z", "expiresAt": "2099-12-31T15:00:00.000Z",
}
"""What ``BODY`` makes, but for its id."""


def make(client: Client, **fields: Any) -> TestResponse:
    """Make the coupon of ``BODY``, with other ``fields``, as an admin."""
    return client.admin().post("/api/coupons", {**BODY, **fields})


def change(client: Client, coupon: int, body: Any) -> TestResponse:
    """Change a coupon as an admin."""
    return client.admin().call("PATCH", f"/api/coupons/{coupon}", json=body)


def ask(client: Client, redis: Redis, user: int, coupon: int) -> TestResponse:
    """Ask for a coupon, and have it worked if it was accepted."""
    answer = client.user(user).post(f"/api/coupons/{coupon}/issue")
    work(redis)
    return answer
