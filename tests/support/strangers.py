"""Every route there is, by whose things it is about; and somebody whose things others want."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from redis import Redis

from infra.database import rows, session
from tests.support.client import Client
from tests.support.market import given_coupon, given_product, one, put_in_cart, select
from tests.support.ordering import holding, placed
from tests.support.shop import given_users
from web import auth

KEY = "the victim's key"

PERSONAL = {"userId": 403, "orderId": 404, "jobId": 404, "itemId": 404, "userCouponId": 404}
"""Path parameters that name somebody's things, with what a stranger is answered."""

NOT_PERSONAL = {
    "couponId": "a coupon on offer is everybody's to see; who holds one has a userCouponId",
    "productId": "the catalogue is everybody's",
}

PUBLIC = {
    "GET /api/products": "the catalogue is everybody's",
    "GET /api/products/<id:productId>": "the catalogue is everybody's",
    "GET /api/products/<id:productId>/stock": "the catalogue is everybody's",
    "GET /api/products/popular": "the catalogue is everybody's",
    "GET /api/coupons": "what is on offer is everybody's to see",
    "GET /api/coupons/<id:couponId>": "what is on offer is everybody's to see",
    "GET /healthz": "says only that the process is alive",
    "GET /readyz": "the state of dependencies, for load balancers",
    "GET /metrics": "counts only, and given to loopback or METRICS_ALLOW",
    "GET /ops": "likewise",
    "GET /ops/figures.json": "likewise",
    "GET /ops/static/<string:name>": "the page's own files",
    "GET /openapi.json": "how the API is used",
    "GET /asyncapi.json": "how the events are read",
    "GET /docs": "how the API is used",
    "GET /docs/<string:asset>": "the page's own files",
}

OWN = {
    "GET /api/cart": "the caller's, who is named by the token, or by ?userId=",
    "DELETE /api/cart": "likewise",
    "POST /api/cart/items": "likewise",
    "GET /api/orders": "likewise",
    "POST /api/orders": "likewise",
    "GET /api/jobs": "likewise",
    "POST /api/coupons/validate": "likewise: the coupon must be held by them",
    "POST /api/coupons/<id:couponId>/issue": "likewise: a coupon on offer, got for them",
    "PUT /api/products/<id:productId>/restock-notification": "likewise: they are to be told",
    "DELETE /api/products/<id:productId>/restock-notification": "likewise",
}
"""Routes for users that name nobody's things in their path."""


@dataclass(frozen=True)
class Route:
    method: str
    rule: str
    access: str | None
    parameters: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"

    @property
    def personal(self) -> list[str]:
        return [name for name in PERSONAL if name in self.parameters]

    def path(self, values: dict[str, Any]) -> str:
        """The rule with ``values`` for its parameters; 1 for one that none is given for."""
        return re.sub(
            r"<(?:[^:<>]*:)?([^<>]+)>", lambda found: str(values.get(found[1], 1)), self.rule
        )


def routes(app: Flask) -> Iterator[Route]:
    """Every method of every rule of the url map."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            access = auth.access_of(rule.endpoint)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(method, rule.rule, access, frozenset(rule.arguments))


def unclassified(app: Flask) -> list[str]:
    """Routes of which nothing here says whose things they are about.

    Admins reach everything, so a route for them needs no word: others are refused.
    """
    found = []
    for route in routes(app):
        if route.access == auth.ADMIN:
            continue
        if route.access == auth.PUBLIC:
            known = route.name in PUBLIC
        else:
            known = route.access is not None and route.parameters <= {*PERSONAL, *NOT_PERSONAL}
            known = known and (bool(route.personal) or route.name in OWN)
        if not known:
            found.append(route.name)
    return found


@dataclass(frozen=True)
class Victim:
    """Somebody with one of everything that can be had."""

    user: int
    values: dict[str, Any]
    """By path parameter."""
    coupon: int
    """The one held."""

    def body(self, route: Route) -> Any:
        """A body that is right, so that what is refused is refused for whose it is."""
        return {
            "POST /api/cart/items": {"productId": self.values["productId"], "quantity": 1},
            "PUT /api/products/<id:productId>/restock-notification": {"email": "v@shop.example"},
            "PATCH /api/cart/items/<id:itemId>": {"quantity": 5},
            "POST /api/coupons/validate": {"couponId": self.coupon, "orderAmount": 1000},
            "POST /api/users/<id:userId>/balance/charge": {"amount": 1},
        }.get(route.name)


def given_victim(client: Client, redis: Redis) -> Victim:
    """A victim whose user id has two digits, with an order, a coupon, a full cart and a job that
    is still queued under an Idempotency-Key."""
    *_, user = given_users(*[0] * 12, 10_000)
    product = given_product(100)
    coupon = holding(redis, user)
    order = placed(redis, user, {product: 2})
    put_in_cart(user, {product: 3})
    charged = client.user(user).post(
        f"/api/users/{user}/balance/charge", {"amount": 500}, headers={"Idempotency-Key": KEY}
    )
    assert charged.status_code == 202
    return Victim(
        user,
        {
            "userId": user,
            "orderId": order,
            "jobId": charged.get_json()["jobId"],
            "itemId": one("SELECT id FROM cart_items WHERE cart_id = %s", user),
            "userCouponId": one("SELECT id FROM user_coupons WHERE user_id = %s", user),
            "couponId": given_coupon(10),
            "productId": product,
            "eventId": select("SELECT id FROM outbox_events LIMIT 1")[0][0],
        },
        coupon,
    )


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with session():
        tables = [table for (table,) in rows("SHOW TABLES")]
        return {table: sorted(rows(f"SELECT * FROM {table}"), key=repr) for table in tables}
