"""What is declared is complete: kinds have handlers, routes say who may call them."""

from domain.jobs.kinds import Lane
from domain.kinds import KINDS
from web import auth
from web.app import create_app

COMMANDS = {"balance.charge", "coupon.issue", "order.cancel", "order.place"}


def test_every_kind_has_its_handler_and_a_lane_that_workers_serve() -> None:
    assert set(KINDS.names()) == COMMANDS
    for name in KINDS.names():
        assert callable(KINDS[name].handler)
        assert KINDS[name].lane in Lane


def test_every_route_says_who_may_call_it() -> None:
    app = create_app()
    with app.test_request_context():
        silent = [
            str(rule) for rule in app.url_map.iter_rules() if auth.access_of(rule.endpoint) is None
        ]
    # The document that the library serves is public like the docs
    assert silent in ([], ["/openapi/openapi.json"]), silent


def test_every_lane_has_its_worker_in_the_procfile() -> None:
    from fleet.layout import PROJECT
    from fleet.supervision.procfile import parse

    commands = [one.command for one in parse((PROJECT / "Procfile").read_text())]
    for lane in Lane:
        assert any("dramatiq" in one and f"--queues {lane}" in one for one in commands), lane
