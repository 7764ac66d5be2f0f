"""One line a request in the log, which says what happened and gives nothing away."""

import logging
import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.tokens import issue
from tests.support.api import Api
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.services import TestServices
from tests.support.shop import given_users
from tests.support.waiting import eventually
from web import tracing


def lines(text: str) -> list[dict[str, Any]]:
    """The lines about requests; every line must be JSON."""
    found = [orjson.loads(line) for line in text.splitlines()]
    return [line for line in found if line["event"] == "request"]


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines about requests since the last look."""
    tracing._LINES.flush()
    return lines(capsys.readouterr().out)


def test_a_line_says_who_asked_for_what_and_how_it_went(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    [user] = given_users(0)
    written(capsys)
    answer = client.user(user).get(
        f"/api/users/{user}/balance?x=1", headers={"X-Request-Id": "mine"}
    )
    [line] = written(capsys)
    assert line.pop("milliseconds") >= 0
    assert line.pop("timestamp").endswith("Z")
    assert len(line.pop("trace_id")) == 32
    assert line == {
        "event": "request", "level": "info", "logger": "web.access", "process": "web",
        "method": "GET", "route": "/api/users/<id:userId>/balance", "user": user,
        "status": answer.status_code, "client": "127.0.0.1", "request_id": "mine",
    }


def test_who_only_watches_leaves_no_line(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    written(capsys)
    client.get("/healthz")
    client.get("/readyz")
    assert written(capsys) == []
    # Unless everything is asked for
    logging.getLogger("web.access").setLevel(logging.DEBUG)
    try:
        client.get("/healthz")
    finally:
        logging.getLogger("web.access").setLevel(logging.NOTSET)
    assert [line["route"] for line in written(capsys)] == ["/healthz"]


@pytest.mark.parametrize("given", ["a b", "x" * 129, "é", "a\tb"])
def test_an_id_that_is_none_is_replaced(
    client: Client, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    written(capsys)
    answer = client.get("/api/products", headers={"X-Request-Id": given})
    [line] = written(capsys)
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 32


@pytest.fixture
def web(services: TestServices, database: None) -> Iterator[Fleet]:
    """A web process that logs everything it can."""
    with tempfile.TemporaryDirectory(prefix="ordering-log-") as directory:
        fleet = Fleet(services, Path(directory), {"LOG_LEVEL": "debug", "WEB_WORKERS": "1"})
        fleet.start("web")
        try:
            fleet.wait_ready()
            yield fleet
        finally:
            fleet.end()


def test_no_secret_gets_into_the_log_and_no_line_is_forged(web: Fleet) -> None:
    [user] = given_users(0)
    api, path = Api(web.api.base), f"/api/users/{user}/balance/charge"
    forged = '{"event":"request","forged":true}'
    secret = f"secret{os.urandom(8).hex()}"
    token = issue(user, ["user"], timedelta(hours=1))
    authorization = {"Authorization": f"Bearer {token}"}
    # When secrets are sent wherever there is room for them, in what succeeds and what fails
    body = {"amount": 1, "transactionId": f"{secret}-transaction"}
    keyed = {**authorization, "Idempotency-Key": f"{secret}-key"}
    assert api.call("POST", path, body, **keyed).status == 202
    assert api.call("POST", path, {**body, "amount": 2}, **keyed).status == 422
    assert api.call("POST", path, {"amount": secret}, **authorization).status == 422
    assert api.call("GET", f"/api/jobs?cursor={secret}", **authorization).status == 422
    for header in (f"Bearer {secret}", f"Basic {secret}", f"Bearer {token}x", secret):
        assert api.call("GET", "/api/jobs", Authorization=header).status == 401
    # And lines are tried to be forged
    quoted = "%0A%0D" + forged.replace('"', "%22").replace("{", "%7B").replace("}", "%7D")
    assert api.call("GET", f"/{quoted}").status == 404
    assert api.call("GET", f"/api/products?sort={quoted}").status == 422
    assert api.call("GET", "/api/products", X_Request_Id=forged.replace('"', "'")).status == 200
    last = api.call("GET", "/api/products", X_Request_Id="the-last").headers["X-Request-Id"]
    # Then the log tells of them, and of nothing that was in them
    eventually(lambda: last in web.log("web").read_text(), 5, "the last line is written")
    text = web.log("web").read_text()
    assert secret not in text
    assert token not in text
    assert token.rpartition(".")[2] not in text
    found = lines(text)
    assert not any("forged" in line for line in found)
    assert [line["status"] for line in found if line["user"] == user] == [202, 422, 422, 422]
    assert [line["status"] for line in found].count(401) == 4
