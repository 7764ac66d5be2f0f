"""/readyz while dependencies hang: who asks about health gives up after a second or two."""

import socket
import threading
import time
from collections.abc import Iterator

import peewee
import pytest

from domain.controls import service
from infra import redis
from tests.support.client import Client
from web import readiness
from web.timely import Timely


@pytest.fixture
def half_open() -> Iterator[int]:
    """The port of a server that takes connections, and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_redis_that_hangs_is_down_at_once(
    client: Client, half_open: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = redis.connect(f"redis://127.0.0.1:{half_open}/0", redis.PROBE_SECONDS,
                            redis.PROBE_SECONDS, patient=False)
    monkeypatch.setattr(redis, "_prober", lambda: hanging)
    for _ in range(2):  # the second finds what the first has left behind
        begun = time.monotonic()
        answer = client.get("/readyz")
        assert time.monotonic() - begun < 1.5
        # Accepting does not need it
        assert (answer.status_code, answer.get_json()["dependencies"]["redis"]["state"]) == (
            200, "down"
        )


@pytest.mark.parametrize("error", [None, peewee.OperationalError(2013, "gone")])
def test_a_database_that_hangs_or_is_gone_is_down_in_time(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    # Given a lane that was paused when the database was there
    service.change("lane.users.paused", True, admin_id=9)
    assert client.get("/readyz").get_json()["pausedLanes"] == ["users"]
    # When the database hangs, or is gone
    goes_on = threading.Event()

    def ask() -> readiness._Seen:
        if error is not None:
            raise error
        goes_on.wait(30)
        return readiness._Seen()

    monkeypatch.setattr(readiness, "_ASKED", Timely(ask, 0.05))
    answer = client.get("/readyz")
    goes_on.set()
    # Then that is said, with what is still known
    assert answer.status_code == 503
    body = answer.get_json()
    assert (body["status"], body["pausedLanes"]) == ("unavailable", ["users"])
    assert {name: one["state"] for name, one in body["dependencies"].items()} == {
        "database": "down", "redis": "up", "kafka": "unknown", "mail": "unknown"
    }
    monkeypatch.undo()
    service.change("lane.users.paused", False, admin_id=9)
    assert client.get("/readyz").get_json()["pausedLanes"] == []
