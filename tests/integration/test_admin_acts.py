"""Each act of an admin is written down, whatever it is; and what is written down can be read."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from tests.support.catalog import new_product, refused
from tests.support.client import Client
from tests.support.drop import BODY
from tests.support.failing import failed
from tests.support.market import given_coupon, select
from tests.support.shop import given_users
from web import auth
from web.app import create_app
from web.shapes.admin_audit import ActPage

ADMIN = 9
Act = Callable[[Client], Any]


def _create_user(client: Client) -> Any:
    return client.post("/api/users", {"name": "kim", "balance": 5})


def _create_product(client: Client) -> Any:
    return client.post("/api/products", {"name": "thing", "price": 5, "stock": 5})


def _change_product(client: Client) -> Any:
    return client.call("PATCH", f"/api/products/{_product()}", json={"price": 7})


def _restock(client: Client) -> Any:
    return client.post(f"/api/products/{_product()}/restock", {"quantity": 5})


def _create_coupon(client: Client) -> Any:
    return client.post("/api/coupons", BODY)


def _change_coupon(client: Client) -> Any:
    return client.call("PATCH", f"/api/coupons/{given_coupon(5)}", json={"paused": True})


def _resync(client: Client) -> Any:
    from tests.integration.test_admin_exports import given_order

    return client.post(f"/api/admin/orders/{given_order()}/resync")


def _redrive(client: Client) -> Any:
    return client.post(f"/api/admin/outbox/{_dead_event()}/redrive")


def _redrive_all(client: Client) -> Any:
    _dead_event()
    return client.post("/api/admin/outbox/redrive")


def _retry(client: Client) -> Any:
    from domain.wallet import charge

    [user] = given_users(0)
    [job] = failed(charge.command(user, user, 5, None, None))
    return client.post(f"/api/admin/jobs/{job}/retry")


def _set_control(client: Client) -> Any:
    return client.call("PUT", "/api/admin/controls/lane.users.paused", json={"value": True})


ACTS: dict[tuple[str, str], tuple[Act, str]] = {
    ("POST", "/api/users"): (_create_user, "user.create"),
    ("POST", "/api/products"): (_create_product, "product.create"),
    ("PATCH", "/api/products/<id:productId>"): (_change_product, "product.change"),
    ("POST", "/api/products/<id:productId>/restock"): (_restock, "product.restock"),
    ("POST", "/api/coupons"): (_create_coupon, "coupon.create"),
    ("PATCH", "/api/coupons/<id:couponId>"): (_change_coupon, "coupon.change"),
    ("POST", "/api/admin/orders/<id:orderId>/resync"): (_resync, "order.resync"),
    ("POST", "/api/admin/outbox/<id:eventId>/redrive"): (_redrive, "outbox.redrive"),
    ("POST", "/api/admin/outbox/redrive"): (_redrive_all, "outbox.redrive"),
    ("PUT", "/api/admin/controls/<string:name>"): (_set_control, "control.set"),
    ("POST", "/api/admin/jobs/<string:jobId>/retry"): (_retry, "job.retry"),
}
"""A valid request for each route by which admins change something, and how its row calls it."""


def _product() -> int:
    from tests.support.market import given_product

    return given_product(5)


def _dead_event() -> int:
    from tests.integration.test_admin_outbox import given_dead, given_events

    [event] = given_events(1)
    given_dead(event)
    return event


def changing_routes() -> set[tuple[str, str]]:
    """All that only admins may do, apart from looking."""
    app = create_app()
    with app.test_request_context():
        return {
            (method, rule.rule)
            for rule in app.url_map.iter_rules()
            if auth.access_of(rule.endpoint) == auth.ADMIN
            for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        }


def test_every_act_of_admins_is_driven_here() -> None:
    assert set(ACTS) == changing_routes()


@pytest.mark.parametrize("route", ACTS, ids=" ".join)
def test_an_act_leaves_its_row(client: Client, redis: Redis, route: tuple[str, str]) -> None:
    act, name = ACTS[route]
    # When an admin does it
    answer = act(client.admin(ADMIN))
    assert 200 <= answer.status_code < 300, answer.text
    # Then one row says who did what, and when
    assert select(
        "SELECT admin_id, action, created_at > NOW(3) - INTERVAL 1 MINUTE FROM admin_audit"
    ) == [(ADMIN, name, 1)]


@pytest.mark.parametrize("route", ACTS, ids=" ".join)
def test_an_act_that_is_refused_leaves_none(
    client: Client, redis: Redis, route: tuple[str, str]
) -> None:
    method, rule = route
    path = rule.replace("<string:jobId>", "01998888-0000-7000-8000-000000000000")
    path = path.replace("<string:name>", "no.such.switch")
    for word in ("productId", "couponId", "orderId", "eventId"):
        path = path.replace(f"<id:{word}>", "4711")
    # When what it is done to is not there, or what it asks for makes no sense
    bodies: dict[str, Any] = {
        "/api/products/<id:productId>": {"price": 7},
        "/api/products/<id:productId>/restock": {"quantity": 5},
        "/api/coupons/<id:couponId>": {"paused": True},
        "/api/coupons": {**BODY, "expiresAt": "2001-01-01T00:00:00Z"},
    }
    answer = client.admin(ADMIN).call(method, path, json=bodies.get(rule))
    # Then nothing was done (of no dead events, none is sent again), and nothing is written down
    assert answer.status_code in ((200,) if path.endswith("outbox/redrive") else (404, 422))
    assert select("SELECT * FROM admin_audit") == []


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.admin().get(f"/api/admin/audit-log{query}")
    assert answer.status_code == 200, answer.text
    ActPage.model_validate(answer.get_json())
    found: list[dict[str, Any]] = answer.get_json()["acts"]
    return found


def test_acts_are_read_newest_first(client: Client) -> None:
    # Given acts of two admins
    product = new_product(client)
    client.admin(ADMIN).call("PATCH", f"/api/products/{product}", json={"price": 7})
    client.admin(ADMIN).post(f"/api/products/{product}/restock", {"quantity": 5})
    # When they are listed
    restocked, changed, created = listed(client)
    assert [one["action"] for one in (restocked, changed, created)] == [
        "product.restock", "product.change", "product.create"
    ]
    assert (changed["adminId"], changed["target"]) == (ADMIN, f"product:{product}")
    assert changed["createdAt"].endswith("Z")
    assert changed["detail"] == {"price": {"before": 1000, "after": 7}}
    # Then filters choose among them
    assert listed(client, "?adminId=1") == [created]
    assert listed(client, f"?adminId={ADMIN}") == [restocked, changed]
    assert listed(client, f"?adminId={ADMIN}&action=product.change") == [changed]
    assert listed(client, "?action=coupon.change") == []


@pytest.mark.parametrize(
    "query", ["action=", "action=A%20B", "adminId=-1", "adminId=x", "limit=0", "surprise=1"]
)
def test_a_list_that_cannot_be_asked_for(client: Client, query: str) -> None:
    pointer = "/" + query.partition("=")[0]
    refused(client.admin().get(f"/api/admin/audit-log?{query}"), 422, "COMMON001", pointer)


def test_only_admins_read_it(client: Client) -> None:
    refused(client.user(1).get("/api/admin/audit-log"), 403, "COMMON003")
    refused(client.get("/api/admin/audit-log"), 401, "COMMON002")


def test_the_command_line_is_written_down_too(client: Client, redis: Redis) -> None:
    from domain.wallet import charge
    from tests.support.cli import run

    _dead_event()
    assert run("outbox", "redrive", "--all").exit_code == 0
    [user] = given_users(0)
    [job] = failed(charge.command(user, user, 5, None, None))
    assert run("jobs", "retry", str(job)).exit_code == 0
    for word in ("on", "off"):
        assert run("controls", "set", "lane.coupons.paused", word).exit_code == 0
    assert [(one["adminId"], one["action"]) for one in listed(client, "?adminId=0")] == [
        (0, "control.set"), (0, "control.set"), (0, "job.retry"), (0, "outbox.redrive")
    ]
    off, on = listed(client, "?action=control.set")
    assert (off["target"], off["detail"]) == ("control:lane.coupons.paused", {"value": False})
    assert on["detail"] == {"value": True}
    assert len(listed(client)) == 4
