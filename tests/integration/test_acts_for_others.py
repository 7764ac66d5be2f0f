"""What an admin does to another user's things, by the routes of users, is written down as well."""

from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from domain.admin_audit import store
from tests.support.client import Client
from tests.support.failing import acts
from tests.support.market import select
from tests.support.shop import given_users
from tests.support.strangers import Route, Victim, everything, given_victim, routes
from web import auth
from web.app import create_app

ADMIN = 9_999
NOTIFICATION = "/api/products/<id:productId>/restock-notification"
ACTIONS = {
    "POST /api/orders": "order.place",
    "POST /api/orders/<id:orderId>/cancel": "order.cancel",
    "POST /api/coupons/<id:couponId>/issue": "coupon.issue",
    "POST /api/users/<id:userId>/balance/charge": "balance.charge",
    "POST /api/jobs/<string:jobId>/cancel": "job.cancel",
    "POST /api/cart/items": "cart.add",
    "PATCH /api/cart/items/<id:itemId>": "cart.change",
    "DELETE /api/cart/items/<id:itemId>": "cart.remove",
    "DELETE /api/cart": "cart.clear",
    f"PUT {NOTIFICATION}": "notification.subscribe",
    f"DELETE {NOTIFICATION}": "notification.unsubscribe",
}
"""Each route by which users change something, and how an admin's row calls it."""
LOOKS = {"POST /api/coupons/validate"}


@pytest.fixture
def victim(client: Client, redis: Redis) -> Victim:
    found = given_victim(client, redis)
    path = NOTIFICATION.replace("<id:productId>", str(found.values["productId"]))
    assert client.user(found.user).call("PUT", path, json={"email": "v@a.org"}).status_code == 204
    return found


def changing(app: Flask) -> dict[str, Route]:
    return {
        route.name: route for route in routes(app)
        if route.access in (auth.USER, auth.USER_OR_PAYMENTS) and route.method != "GET"
    }


def do(client: Client, name: str, victim: Victim, **more: Any) -> TestResponse:
    """The call that the victim would make; whose things are meant is said where the path does not.
    """
    route = changing(client.app)[name]
    query = "" if route.personal else f"?userId={victim.user}"
    options = {"json": body} if (body := victim.body(route)) is not None else {}
    return client.call(route.method, route.path(victim.values) + query, **options, **more)


def test_every_route_by_which_users_change_something_is_known_here() -> None:
    assert set(changing(create_app())) == set(ACTIONS) | LOOKS


@pytest.mark.parametrize("name", ACTIONS)
def test_an_act_for_another_leaves_its_row(client: Client, victim: Victim, name: str) -> None:
    # When an admin does it to another's things
    answer = do(client.admin(ADMIN), name, victim)
    assert 200 <= answer.status_code < 300, answer.text
    # Then one row says who did what to whom
    [(admin, action, target, detail)] = acts()
    assert (admin, action, target) == (ADMIN, ACTIONS[name], f"user:{victim.user}")
    if answer.status_code == 202:
        assert answer.get_json()["jobId"] in detail


@pytest.mark.parametrize("name", [*ACTIONS, *LOOKS])
def test_an_act_of_ones_own_leaves_none(client: Client, victim: Victim, name: str) -> None:
    # Whether the owner is a user or an admin; and a service that charges is no admin
    caller = client.admin if name.startswith("POST /api/orders") else client.user
    answer = do(caller(victim.user), name, victim)
    assert 200 <= answer.status_code < 300, answer.text
    assert acts() == []


def test_a_look_and_a_payment_service_leave_none(client: Client, victim: Victim) -> None:
    assert do(client.admin(ADMIN), *LOOKS, victim).status_code == 200
    charge = "POST /api/users/<id:userId>/balance/charge"
    assert do(client.payments(ADMIN), charge, victim).status_code == 202
    assert acts() == []


@pytest.mark.parametrize("name", ACTIONS)
def test_an_act_whose_row_cannot_be_written_is_not_done(
    client: Client, victim: Victim, name: str
) -> None:
    before = everything()
    with patch.object(store, "insert", side_effect=RuntimeError("no row")):
        answer = do(client.admin(ADMIN), name, victim)
    assert answer.status_code == 500
    assert everything() == before


def test_what_changes_nothing_leaves_none(client: Client, victim: Victim) -> None:
    admin = client.admin(ADMIN)
    # Given acts that are repeated, or have nothing to take away
    [other] = given_users(0)
    key = {"headers": {"Idempotency-Key": "k"}}
    charge = "POST /api/users/<id:userId>/balance/charge"
    first = do(admin, charge, victim, **key)
    for _ in range(2):
        again = do(admin, charge, victim, **key)
        assert again.get_json()["jobId"] == first.get_json()["jobId"]
    path = NOTIFICATION.replace("<id:productId>", str(victim.values["productId"]))
    assert admin.call("DELETE", f"{path}?userId={other}").status_code == 204
    assert admin.call("DELETE", f"/api/cart?userId={other}").status_code == 200
    item = f"/api/cart/items/{victim.values['itemId']}"
    [(quantity,)] = select("SELECT quantity FROM cart_items")
    assert admin.call("PATCH", item, json={"quantity": quantity}).status_code == 200
    # Then only the first act is written down
    assert [action for _, action, *_ in acts()] == ["balance.charge"]


def test_a_payment_method_is_not_written_down(client: Client, victim: Victim) -> None:
    path = f"/api/users/{victim.user}/balance/charge"
    body = {"amount": 5, "transactionId": "t-1", "paymentMethod": "card 4111"}
    assert client.admin(ADMIN).post(path, body).status_code == 202
    [(_, _, _, detail)] = acts()
    assert ("t-1" in detail, "4111" in detail) == (True, False)
