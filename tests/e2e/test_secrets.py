"""No process of the fleet writes a secret into its log, whatever fails around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from fleet.ports import find_free_port
from infra.settings import settings
from tests.support.fleet import Fleet
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.waiting import eventually

PROGRAMS = ("web", "users", "coupons", "scheduler", "consumers")
RESTLESS = ("web", "scheduler", "consumers")
"""Those that miss the database without being asked for anything."""
SECRETS = {
    "JWT_SECRET": "marked-jwt-secret-of-thirty-two-characters",
    "PAYMENT_GATEWAY_TOKEN": "marked-gateway-token",
}
PASSWORD, METHOD = "marked-mail-password", "marked payment method"


@dataclass
class Marked:
    fleet: Fleet
    secrets: dict[str, str]

    def lines(self, program: str) -> list[dict[str, str]]:
        """What a program's log says, line by line; those of others' libraries as they are."""
        text = self.fleet.log(program).read_text(errors="replace")
        return [orjson.loads(line) for line in text.splitlines() if line.startswith("{")]

    def complaints(self, program: str, of: str = "") -> int:
        """How often it has said that something went wrong."""
        return sum(
            line.get("level") in ("warning", "error") and of in str(line).lower()
            for line in self.lines(program)
        )


@pytest.fixture
def marked(
    services: TestServices, database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Marked]:
    """A fleet that logs everything, whose mail server and payment provider are not there, and
    whose every secret can be told from other words."""
    empty_topics()
    for name, value in SECRETS.items():  # the tokens of this process are signed by it
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    nowhere = f"127.0.0.1:{find_free_port(set())}"
    fleet = Fleet(services, tmp_path, {
        **SECRETS, "LOG_LEVEL": "debug", "WEB_WORKERS": "1", "MAIL_FROM": "no-reply@shop.kr",
        "SMTP_URL": f"smtps://shop:{PASSWORD}@{nowhere}",
        "PAYMENT_GATEWAY_URL": f"http://{nowhere}", "PAYMENT_GATEWAY_TIMEOUT": "1",
        "PAYMENT_RECONCILE_SECONDS": "1",
    })
    of_database = urlsplit(services.urls.database).password
    assert of_database
    fleet.start(*PROGRAMS)
    try:
        fleet.wait_ready()
        yield Marked(fleet, {
            **SECRETS, "SMTP_URL": PASSWORD, "DATABASE_URL": of_database, "a method": METHOD,
        })
    finally:
        fleet.end()
        monkeypatch.undo()
        settings.cache_clear()


def test_no_log_holds_a_secret(marked: Marked, services: TestServices) -> None:
    api = marked.fleet.api
    # Given a charge and a mail on their way to who is not there, and tokens that are refused
    user, product = api.new_user(), api.new_product(0)
    body = {"amount": 5, "transactionId": "t", "paymentMethod": METHOD}
    path = f"/api/users/{user}/balance/charge"
    assert api.call("POST", path, body, user=user).status == 202
    assert api.call("POST", path, {**body, "amount": METHOD}, user=user).status == 422
    told = f"/api/products/{product}/restock-notification"
    assert api.call("PUT", told, {"email": "kim@example.org"}, user=user).status == 204
    restock = f"/api/products/{product}/restock"
    assert api.call("POST", restock, {"quantity": 5}, user=1, admin=True).status == 200
    token = api.token(user)
    assert api.call("GET", "/api/jobs", Authorization=f"Bearer {token}x").status == 401
    for what in ("payment", "mail"):
        eventually(lambda what=what: marked.complaints("consumers", what), 30, f"{what} fails")
    # When the database and Redis go away for a moment, under all of them
    before = {program: marked.complaints(program) for program in RESTLESS}
    services.database.stop()
    try:
        assert api.call("POST", path, body, user=user).status == 503
        eventually(
            lambda: all(marked.complaints(one) > before[one] for one in RESTLESS), 30,
            "they notice",
        )
        services.redis.stop()
        services.redis.start()
    finally:
        services.database.start()
    eventually(api.ready, 60, "the front is back")
    marked.fleet.stop(*PROGRAMS)
    # Then all that was logged, to the end of each process, holds no secret and no token
    secrets = {**marked.secrets, "a token": token, "its signature": token.rpartition(".")[2]}
    found = [
        (program, name) for program in PROGRAMS for name, secret in secrets.items()
        if secret in marked.fleet.log(program).read_text(errors="replace")
    ]
    assert found == []
