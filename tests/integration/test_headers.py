"""What every answer carries, and what scripts of other origins may do."""

from collections.abc import Iterator

import pytest

from tests.support.apps import app_with
from tests.support.client import Client

SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/api/products", {}, 200),
        ("GET", "/healthz", {}, 200),
        ("GET", "/nowhere", {}, 404),
        ("DELETE", "/api/products", {}, 405),
        ("GET", "/api/jobs", {}, 401),
        ("POST", "/api/orders", {"data": b"x" * 70_000, "content_type": "application/json"}, 413),
        ("POST", "/api/orders", {"data": b"x", "content_type": "text/plain"}, 415),
        ("POST", "/api/orders", {"data": b"[]", "content_type": "application/json"}, 422),
    ],
)
def test_every_answer_is_guarded(
    client: Client, method: str, path: str, options: dict[str, object], status: int
) -> None:
    caller = client.user(1) if method == "POST" else client
    answer = caller.call(method, path, **options)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Request-Id"]
    assert "Strict-Transport-Security" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_view_may_say_what_its_page_needs(client: Client) -> None:
    from flask import Response

    from web.auth import public

    def page() -> Response:
        return Response("page", headers={"Content-Security-Policy": "default-src 'self'"})

    with app_with() as other:
        other.app.add_url_rule("/page", view_func=public(page))
        answer = other.get("/page")
    assert answer.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]


def test_what_breaks_is_guarded_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("domain.users.service.find", broken)
    answer = client.user(1).get("/api/users/1")
    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_https_is_kept_to_once_it_is_used(client: Client) -> None:
    secure = client.get("/healthz", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    with app_with(TRUSTED_PROXIES="1") as behind:
        answer = behind.get("/healthz", headers={"X-Forwarded-Proto": "https"})
        assert "Strict-Transport-Security" in answer.headers
    assert "Strict-Transport-Security" not in client.get(
        "/healthz", headers={"X-Forwarded-Proto": "https"}
    ).headers
    with app_with(STRICT_TRANSPORT_SECURITY="true") as always:
        assert "Strict-Transport-Security" in always.get("/healthz").headers


@pytest.fixture
def open_to(database: None) -> Iterator[Client]:
    with app_with(CORS_ORIGINS=f"{SHOP}, http://localhost:3000") as client:
        yield client


def preflight(client: Client, path: str, origin: str, method: str = "POST") -> dict[str, str]:
    answer = client.call(
        "OPTIONS", path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization, idempotency-key, content-type",
        },
    )
    assert answer.status_code == 200
    return dict(answer.headers)


def test_a_preflight_needs_no_token(open_to: Client) -> None:
    headers = preflight(open_to, "/api/orders", SHOP)
    assert headers["Access-Control-Allow-Origin"] == SHOP
    assert "POST" in headers["Access-Control-Allow-Methods"]
    allowed = headers["Access-Control-Allow-Headers"].lower()
    assert {"authorization", "idempotency-key", "content-type"} <= set(allowed.split(", "))
    assert headers["Access-Control-Max-Age"] == "600"
    # And it counts against no limit
    assert "RateLimit" not in headers


def test_a_script_may_read_what_it_needs(open_to: Client) -> None:
    answer = open_to.get("/api/products", headers={"Origin": "http://localhost:3000"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Origin" in answer.headers["Vary"]
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {
        "Location", "Retry-After", "ETag", "Link", "RateLimit", "RateLimit-Policy", "X-Request-Id",
        "Idempotent-Replayed", "Preference-Applied", "Content-Location",
    } <= exposed
    # And problems too
    problem = open_to.get("/api/jobs", headers={"Origin": SHOP})
    assert problem.status_code == 401
    assert problem.headers.getlist("Access-Control-Allow-Origin") == [SHOP]


def test_other_origins_may_not(open_to: Client, client: Client) -> None:
    for stranger in ("https://evil.example", "https://shop.example.evil", "null"):
        assert "Access-Control-Allow-Origin" not in preflight(open_to, "/api/orders", stranger)
    # And none may where none is named
    assert "Access-Control-Allow-Origin" not in preflight(client, "/api/orders", SHOP)


def test_all_origins_may_where_it_is_said(database: None) -> None:
    with app_with(CORS_ORIGINS="*") as client:
        answer = client.get("/api/products", headers={"Origin": "https://any.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/", "ftp://x", "a,b"])
def test_an_origin_that_is_none_stops_the_start(origins: str) -> None:
    with pytest.raises(SystemExit, match="CORS_ORIGINS"), app_with(CORS_ORIGINS=origins):
        pass


@pytest.mark.parametrize("limit", ["600", "many per minute"])
def test_a_limit_that_is_none_stops_the_start(limit: str) -> None:
    with pytest.raises(SystemExit, match="RATE_LIMIT_READS"), app_with(RATE_LIMIT_READS=limit):
        pass
