"""What is declared is complete: kinds have handlers, routes say who may call them."""

import re
from datetime import timedelta

from flask import Flask

from domain.jobs.kinds import Lane
from domain.kinds import KINDS
from infra.tokens import issue
from web import auth
from web.app import create_app

COMMANDS = {"balance.charge", "coupon.issue", "order.cancel", "order.place"}


def test_every_kind_has_its_handler_and_a_lane_that_workers_serve() -> None:
    assert set(KINDS.names()) == COMMANDS
    for name in KINDS.names():
        assert callable(KINDS[name].handler)
        assert KINDS[name].lane in Lane


def silent_routes(app: Flask) -> list[str]:
    """Routes that say nothing about who may call them."""
    with app.test_request_context():
        return [
            str(rule) for rule in app.url_map.iter_rules() if auth.access_of(rule.endpoint) is None
        ]


def test_every_route_says_who_may_call_it() -> None:
    silent = silent_routes(create_app())
    # The document that the library serves is public like the docs
    assert silent in ([], ["/openapi/openapi.json"]), silent


def test_a_route_that_says_nothing_is_found_and_never_run() -> None:
    app, calls = create_app(), []
    app.add_url_rule("/api/secrets", view_func=lambda: calls.append("ran") or "")
    assert "/api/secrets" in silent_routes(app)
    # And whoever comes all the same is not let in
    token = issue(1, ["user", "admin", "payments"], timedelta(minutes=1))
    client = app.test_client()
    assert client.get("/api/secrets").status_code == 401
    answer = client.get("/api/secrets", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 500
    assert calls == []


def test_the_document_asks_for_a_token_where_the_code_does() -> None:
    app = create_app()
    with app.test_request_context():
        paths = app.api_doc["paths"]
        for rule in app.url_map.iter_rules():
            path = paths.get(re.sub(r"<(?:[^:<>]*:)?([^<>]+)>", r"{\1}", rule.rule), {})
            for method in {one.lower() for one in rule.methods or ()} & path.keys():
                closed = auth.access_of(rule.endpoint) != auth.PUBLIC
                assert bool(path[method].get("security")) == closed, (method, rule.rule)


def test_every_lane_has_its_worker_in_the_procfile() -> None:
    from fleet.layout import PROJECT
    from fleet.supervision.procfile import parse

    commands = [one.command for one in parse((PROJECT / "Procfile").read_text())]
    for lane in Lane:
        assert any("dramatiq" in one and f"--queues {lane}" in one for one in commands), lane
