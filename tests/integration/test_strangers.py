"""Nobody sees or touches another's things: every route there is, tried with a stranger's token."""

from typing import Any

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from infra.database import rows, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.shop import given_users, work
from tests.support.strangers import (
    KEY,
    PERSONAL,
    Route,
    Victim,
    everything,
    given_victim,
    routes,
    unclassified,
)
from web import auth
from web.app import create_app

CODES = {401: "COMMON002", 403: "COMMON003"}


@pytest.fixture
def app(_app: Flask) -> Flask:
    return _app


@pytest.fixture
def victim(client: Client, redis: Redis) -> Victim:
    return given_victim(client, redis)


@pytest.fixture
def stranger(client: Client, victim: Victim) -> Client:
    [user] = given_users(10_000)
    return client.user(user)


def send(
    client: Client, route: Route, victim: Victim, query: str = "", **more: Any
) -> TestResponse:
    """The call that the victim would make."""
    body = victim.body(route)
    options = {"json": body} if body is not None and "data" not in more else {}
    return client.call(route.method, route.path(victim.values) + query, **{**options, **more})


def closed_routes(app: Flask) -> list[Route]:
    """Those that are not for everybody."""
    return [route for route in routes(app) if route.access != auth.PUBLIC]


def personal_routes(app: Flask) -> list[Route]:
    return [route for route in closed_routes(app) if route.access != auth.ADMIN]


def asks_whose(app: Flask, route: Route) -> bool:
    """Whether the document tells of ?userId=."""
    with app.test_request_context():
        path = app.api_doc["paths"][route.path({name: f"{{{name}}}" for name in route.parameters})]
    told = path[route.method.lower()].get("parameters", [])
    return any((one["in"], one["name"]) == ("query", "userId") for one in told)


def test_every_route_is_known_to_these_tests() -> None:
    # If this fails: say in tests/support/strangers.py whose things the new route is about
    assert unclassified(create_app()) == []


@pytest.mark.parametrize("access", [auth.user, auth.user_or_payments, auth.public])
@pytest.mark.parametrize(
    "rule", ["/api/secrets", "/api/secrets/<id:secretId>", "/api/users/<id:userId>/<id:secretId>"]
)
def test_a_new_route_must_be_said_of(rule: str, access: Any) -> None:
    app = create_app()
    app.add_url_rule(rule, view_func=access(lambda **_: ""))
    assert unclassified(app) == [f"GET {rule}"]


def test_the_owner_is_let_in_everywhere(app: Flask, client: Client, victim: Victim) -> None:
    # Given the very calls that strangers will be refused
    methods = ["GET", "PATCH", "PUT", "POST", "DELETE"]
    ordered = sorted(
        personal_routes(app), key=lambda route: (methods.index(route.method), -len(route.rule))
    )
    # When the owner makes them, taking things away last, Then they are answered
    for route in ordered:
        answer = send(client.user(victim.user), route, victim)
        assert answer.status_code < 300, (route.name, answer.text)


def test_a_stranger_reaches_nothing_of_anybody(
    app: Flask, stranger: Client, victim: Victim
) -> None:
    before = everything()
    for route in personal_routes(app):
        for headers in ({}, {"Idempotency-Key": KEY}, {"Prefer": "wait=1"}):
            # When a stranger names the victim's things by the path, Then they are refused
            if route.personal:
                answer = send(stranger, route, victim, headers=headers)
                status = PERSONAL[route.personal[0]]
                assert answer.status_code == status, (route.name, answer.text)
                assert answer.mimetype == "application/problem+json"
                assert str(victim.values[route.personal[0]]) not in answer.get_json()["detail"]
            # And by ?userId=, which no route listens to that does not check it
            answer = send(stranger, route, victim, f"?userId={victim.user}", headers=headers)
            expected = {403} if asks_whose(app, route) else {403, 404, 422}
            assert answer.status_code in expected, (route.name, answer.text)
    # And nothing has changed
    assert everything() == before


def test_only_admins_are_let_in_where_admins_act(
    app: Flask, client: Client, stranger: Client, victim: Victim
) -> None:
    before = everything()
    acts = [route for route in closed_routes(app) if route.access == auth.ADMIN]
    assert len(acts) >= 11
    bodies: list[dict[str, Any]] = [
        {}, {"json": {}}, {"data": b"{", "content_type": "application/json"},
        {"data": b"\xff", "content_type": "application/json"},
        {"data": b"{}", "content_type": "text/plain"}, {"data": b"x" * 70_000},
        {"data": b"[" * 60_000, "content_type": "application/json"},
    ]
    for route in acts:
        for caller in (stranger, client.user(victim.user), client.payments(victim.user)):
            for body in bodies:
                for query in ("", "?limit=x&surprise=1", f"?userId={victim.user}"):
                    answer = send(caller, route, victim, query, **body)
                    refused(answer, 403, CODES[403])
    assert everything() == before


def test_without_a_token_no_closed_door_opens(
    app: Flask, client: Client, victim: Victim
) -> None:
    before = everything()
    for route in closed_routes(app):
        for more in ({}, {"data": b"{", "content_type": "application/json"}):
            for header in ({}, {"Authorization": "Bearer x.y.z"}):
                answer = send(client, route, victim, headers=header, **more)
                refused(answer, 401, CODES[401])
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert everything() == before


def test_the_scope_payments_alone_charges_and_follows_its_charges(
    app: Flask, client: Client, redis: Redis, victim: Victim
) -> None:
    # Given services that charge; the sub of one is the victim's id. And what an admin has charged
    body = {"amount": 7}
    theirs = client.admin().post(f"/api/users/{victim.user}/balance/charge", body).get_json()
    for sub in (4711, victim.user):
        service, answers = client.payments(sub), {}
        for route in closed_routes(app):
            answers[route.name] = send(service, route, victim)
        # When they try everything, Then a charge is all that they may do
        charged = answers.pop("POST /api/users/<id:userId>/balance/charge")
        assert charged.status_code == 202
        job = charged.get_json()["jobId"]
        # And of jobs they see, and take back, those alone that they asked for
        for name in ("GET /api/jobs/<string:jobId>", "POST /api/jobs/<string:jobId>/cancel"):
            assert answers.pop(name).status_code == (200 if sub == victim.user else 404)
        refused(service.get(f"/api/jobs/{theirs['jobId']}"), 404, "COMMON005")
        for answer in answers.values():
            refused(answer, 403, CODES[403])
        assert service.get(f"/api/jobs/{job}").status_code == 200
        assert service.post(f"/api/jobs/{job}/cancel").get_json()["status"] == "cancelled"


def test_a_token_without_a_scope_opens_nothing(
    app: Flask, client: Client, victim: Victim
) -> None:
    for route in closed_routes(app):
        refused(send(client.scoped(victim.user), route, victim), 403, CODES[403])


def test_lists_hold_nothing_of_others(client: Client, stranger: Client, victim: Victim) -> None:
    owner = client.user(victim.user)
    for path, name in (
        ("/api/orders", "orders"), ("/api/jobs", "jobs"), ("/api/cart", "items"),
    ):
        assert owner.get(path).get_json()[name] != []
        assert stranger.get(path).get_json()[name] == []
    # Nor with a cursor that was given to the owner
    owner.post(f"/api/users/{victim.user}/balance/charge", {"amount": 1})
    cursor = owner.get("/api/jobs?limit=1").get_json()["nextCursor"]
    assert cursor
    assert stranger.get(f"/api/jobs?cursor={cursor}").get_json()["jobs"] == []


def test_anothers_coupon_cannot_be_used(
    client: Client, redis: Redis, stranger: Client, victim: Victim
) -> None:
    line = {"productId": victim.values["productId"], "quantity": 1}
    assert stranger.post("/api/cart/items", line).status_code == 201
    body = {"couponId": victim.coupon, "orderAmount": 1000}
    refused(stranger.post("/api/coupons/validate", body), 404, "C002")
    job = stranger.post("/api/orders", {"couponId": victim.coupon}).get_json()["jobId"]
    work(redis)
    ended = stranger.get(f"/api/jobs/{job}").get_json()
    assert (ended["status"], ended["error"]["code"]) == ("failed", "C002")
    with session():
        assert rows("SELECT used_at FROM user_coupons WHERE coupon_id = %s", (victim.coupon,)) == [
            (None,)
        ]


def tricks(value: Any) -> list[str]:
    """Other spellings of an id, and what may be taken for one."""
    plain = str(value)
    arabic = plain.translate({ord("0") + digit: chr(0x660 + digit) for digit in range(10)})
    wide = plain.translate({ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)})
    return [
        "0", "-1", f"-{plain}", f"+{plain}", f"0{plain}", f"{plain}.0", f"{plain}.", f"{plain}e0",
        "1e1", f"{plain}%00", f"%00{plain}", f"{plain}%20", f"%20{plain}", f"{plain}%0a",
        "9223372036854775808", "9999999999999999999", "9" * 500, arabic, wide, f"{plain}{arabic}",
        plain[0] + arabic[1:] if len(plain) > 1 else arabic, "²", f"{plain}/", f"/{plain}",
        f"{plain};v=1", f"{plain}/..", f"x/../{plain}", f"%2e%2e/{plain}", f"{plain}%2f",
        f"%2f{plain}", f"..%2f{plain}", f"{plain},{plain}", "null", "*", "", "%", "%zz", "%ff",
        "'", f"{plain}'--", f"{plain}%3Fx", plain.upper() + "A", f"{{{plain}}}",
    ]


def test_an_id_has_one_spelling(app: Flask, client: Client, victim: Victim) -> None:
    before, owner = everything(), client.user(victim.user)
    for route in personal_routes(app):
        for name in route.parameters:
            for trick in tricks(victim.values[name]):
                # When even the owner spells it otherwise, Then nothing is there
                path = route.path({**victim.values, name: trick})
                body = victim.body(route)
                answer = owner.call(route.method, path, **({"json": body} if body else {}))
                assert answer.status_code in (404, 405), (route.method, path, answer.text)
                assert answer.mimetype == "application/problem+json"
    assert everything() == before


def test_no_spelling_of_an_id_brings_a_stranger_further(
    app: Flask, stranger: Client, victim: Victim
) -> None:
    before = everything()
    encoded = "".join(f"%{ord(character):02X}" for character in str(victim.user))
    own = stranger.get("/api/jobs").status_code
    assert own == 200
    for route in personal_routes(app):
        if route.personal:
            # An octet written as a percentage is the same octet (RFC 3986, section 2.3)
            name = route.personal[0]
            written = "".join(f"%{ord(one):02X}" for one in str(victim.values[name]))
            path = route.path({**victim.values, name: written})
            body = victim.body(route)
            answer = stranger.call(route.method, path, **({"json": body} if body else {}))
            assert answer.status_code == PERSONAL[name], (route.name, answer.text)
        if not asks_whose(app, route):
            continue
        for spelled in (
            encoded, f"0{victim.user}", f"{victim.user}.0", f"%20{victim.user}", f"+{victim.user}",
            f"{victim.user}&userId={victim.user}", f"1&userId={victim.user}", "", "0", "null",
        ):
            answer = send(stranger, route, victim, f"?userId={spelled}")
            assert answer.status_code in (403, 422), (route.name, spelled, answer.text)
    assert everything() == before
