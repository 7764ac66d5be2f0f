"""/readyz while dependencies hang: who asks about health gives up after a second or two."""

import socket
import threading
import time
from collections.abc import Iterator

import peewee
import pytest

from domain.controls import service
from domain.exports import pulse as exports_pulse
from domain.payments import pulse as payments_pulse
from infra import redis
from infra.database import execute, session
from infra.settings import settings
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

    def ask() -> dict[str, str]:
        if error is not None:
            raise error
        goes_on.wait(30)
        return {}

    monkeypatch.setattr(readiness, "_ASKED", Timely(ask, 0.05))
    answer = client.get("/readyz")
    goes_on.set()
    # Then that is said, with what is still known
    assert answer.status_code == 503
    body = answer.get_json()
    assert (body["status"], body["pausedLanes"]) == ("unavailable", ["users"])
    assert {name: one["state"] for name, one in body["dependencies"].items()} == {
        "database": "down", "redis": "up", "kafka": "unknown", "mail": "unknown",
        "dataPlatform": "unknown", "payments": "unset",
    }
    monkeypatch.undo()
    service.change("lane.users.paused", False, admin_id=9)
    assert client.get("/readyz").get_json()["pausedLanes"] == []


@pytest.mark.parametrize(
    ("closed", "heard", "state"),
    [(True, False, "unknown"), (True, True, "up"), (False, True, "away"), (False, False, "away")],
)
def test_who_uses_a_dependency_tells_how_it_stands(
    client: Client, monkeypatch: pytest.MonkeyPatch, closed: bool, heard: bool, state: str
) -> None:
    # Given a shop with a payment provider, and those who call it and the data platform
    monkeypatch.setenv("PAYMENT_GATEWAY_URL", "http://127.0.0.1:1")
    settings.cache_clear()
    exports_pulse.beat(closed, heard)
    payments_pulse.beat(closed, heard)
    # Then what they last knew is told
    told = client.get("/readyz").get_json()["dependencies"]
    assert (told["dataPlatform"]["state"], told["payments"]["state"]) == (state, state)
    # But not for long after they fell silent
    with session():
        execute("UPDATE heartbeats SET beat_at = NOW(3) - INTERVAL 11 SECOND")
    told = client.get("/readyz").get_json()["dependencies"]
    assert (told["dataPlatform"]["state"], told["payments"]["state"]) == ("unknown", "unknown")
    monkeypatch.undo()
    settings.cache_clear()
