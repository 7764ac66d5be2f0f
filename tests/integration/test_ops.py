"""The operators' page: what it shows, to whom, and what it never shows."""

import re
import threading
from typing import Any
from uuid import uuid4

import peewee
import pytest
from redis import Redis
from werkzeug.test import TestResponse

from domain.controls import service
from domain.coupons import issue
from domain.wallet import charge
from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.failing import failed, refuse
from tests.support.market import given_coupon
from tests.support.shop import accepted, given_users
from web.ops import figures as ops_figures
from web.ops.figures import Board, look
from web.ops.page import age
from web.routes import ops
from web.shapes.ops import OpsFigures


@pytest.fixture(autouse=True)
def _never_cached(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> None:
    instants = iter(range(1_000_000))
    monkeypatch.setattr(ops, "BOARD", Board(look, lambda: 10.0 * next(instants)))


def figures(client: Client) -> dict[str, Any]:
    answer = client.get("/ops/figures.json")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    OpsFigures.model_validate(found)
    return found


def page(client: Client) -> TestResponse:
    answer = client.get("/ops")
    assert answer.status_code == 200, answer.text
    return answer


def beat(seconds: int, detail: str = '{"kafka":"up","since":"2026-01-01T00:00:00.000Z"}') -> None:
    with session():
        execute(
            "REPLACE INTO heartbeats (name, beat_at, detail) "
            "VALUES ('relay', NOW(3) - INTERVAL %s SECOND, %s)",
            (seconds, detail),
        )


def test_an_idle_shop_is_well(client: Client) -> None:
    beat(0)
    found = figures(client)
    assert (found["status"], found["concerns"]) == ("well", [])
    assert {name: one["state"] for name, one in found["dependencies"].items()} == {
        "database": "up", "redis": "up", "kafka": "up"
    }
    assert [(one["lane"], one["queued"], one["running"], one["oldestSeconds"])
            for one in found["lanes"]] == [("users", 0, 0, 0.0), ("coupons", 0, 0, 0.0)]
    assert "All well" in page(client).text


def test_what_waits_runs_and_has_failed_is_counted(client: Client) -> None:
    # Given two jobs that wait in one lane, one that runs, and one that waits in the other
    [user] = given_users(0)
    accepted(*[charge.command(user, user, 1, None, None)] * 3)
    accepted(issue.command(user, user, given_coupon(5)))
    with session():
        execute(
            "UPDATE jobs SET status = 'running', accepted_at = NOW(3) - INTERVAL 90 SECOND "
            "ORDER BY id LIMIT 1"
        )
    # And jobs that the system and a rule failed; one of them was retried
    one, two = failed(*[charge.command(user, user, 1, None, None)] * 2)
    refuse(*failed(charge.command(user, user, 1, None, None)))
    again = client.admin().post(f"/api/admin/jobs/{two}/retry").get_json()["jobId"]
    # And events and exports that wait or are dead
    with session():
        for status, shard, dead in (
            ("pending", 1, None), ("dead", None, "2026-01-01"), ("dead", None, "2026-01-01")
        ):
            execute(
                "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
                "created_at, status, pending_shard, dead_at) VALUES "
                "(%s, 'order', 1, 'order.completed', '{}', NOW(3), %s, %s, %s)",
                (uuid4().bytes, status, shard, dead),
            )
            execute(
                "INSERT INTO order_exports (event_id, order_id, type, payload, status, "
                "pending_order_id, next_attempt_at) VALUES "
                "(%s, 1, 'order.completed', '{}', %s, %s, NOW(3))",
                (uuid4().bytes, status, shard),
            )
    # When an operator looks
    found = figures(client)
    # Then each number is right
    users, coupons = found["lanes"]
    assert (users["queued"], users["running"]) == (3, 1)
    assert 90 <= users["oldestSeconds"] < 150
    assert (coupons["queued"], coupons["running"]) == (1, 0)
    assert (found["outbox"]["pending"], found["outbox"]["dead"]) == (1, 2)
    assert found["exports"] == {"waiting": 1, "dead": 2}
    assert found["failedJobs"]["count"] == 1
    [listed] = found["failedJobs"]["latest"]
    assert (listed["jobId"], listed["kind"], listed["code"]) == (
        str(one), "balance.charge", "COMMON004"
    )
    # And the page says so, for people
    html = page(client).text
    assert str(one) in html
    assert again not in html
    for words in ("1 job failed", "2 events are dead", "2 exports were given up", "lane users is"):
        assert words in html


@pytest.mark.parametrize(
    ("seconds", "detail", "state", "words"),
    [
        (0, '{"kafka":"away","reason":"no broker <b>"}', "away", "no broker &lt;b&gt;"),
        (60, '{"kafka":"up"}', "unknown", "no sign of life for 60 s"),
        (0, "", "unknown", "Kafka is unknown"),
    ],
)
def test_kafka_as_the_relay_says(
    client: Client, seconds: int, detail: str, state: str, words: str
) -> None:
    beat(seconds, detail)
    found = figures(client)
    assert (found["dependencies"]["kafka"]["state"], found["status"]) == (state, "down")
    assert words in page(client).text


def test_the_database_away_is_what_the_page_says(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise peewee.OperationalError(2013, "gone")

    monkeypatch.setattr(ops_figures, "gather", gone)
    found = figures(client)
    assert (found["status"], found["dependencies"]["database"]["state"]) == ("down", "down")
    assert "lanes" not in found
    assert "The database is down" in page(client).text


def test_nobody_is_named_and_nothing_secret_told(client: Client) -> None:
    # Given a failed job of somebody, and their address
    user = 48_151_623
    with session():
        execute("INSERT INTO users (id, name, balance) VALUES (%s, 'Kim Cheolsu', 0)", (user,))
        execute(
            "INSERT INTO restock_notifications (product_id, user_id, email) "
            "VALUES (1, %s, 'kim@example.org')", (user,)
        )
    failed(charge.command(user, user, 31_337, "my-transaction", None))
    from infra.settings import settings

    secrets = {settings().jwt_secret, settings().database_url, settings().redis_url}
    for path in ("/ops", "/ops/figures.json"):
        text = client.get(path).text
        told = (str(user), "Kim Cheolsu", "kim@", "31337", "my-transaction", *secrets)
        assert [one for one in told if one in text] == []


def test_a_strict_policy_holds(client: Client) -> None:
    beat(0)
    answer = page(client)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert answer.headers["Cache-Control"] == "no-store"
    html = answer.text
    # Nothing inline, and all that is loaded is our own and there
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", html)
    loaded = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert len(loaded) == 4
    for target in loaded:
        assert target.startswith("/ops/")
        assert client.get(target).status_code == 200
    script = client.get("/ops/static/ops.js")
    assert script.mimetype == "text/javascript"
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\.style\b|innerHTML", script.text)


def test_files_are_revalidated_and_no_others_are_served(client: Client) -> None:
    first = client.get("/ops/static/ops.css")
    assert (first.mimetype, first.headers["Cache-Control"]) == ("text/css", "no-cache")
    again = client.get(
        "/ops/static/ops.css", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    for name in ("ops.html", "..%2Fpage.py", "%2e%2e", "nothing"):
        refused(client.get(f"/ops/static/{name}"), 404, "COMMON005")


def test_what_operators_have_switched_is_shown_and_is_a_concern(client: Client) -> None:
    beat(0)
    service.change("lane.users.paused", True, admin_id=9)
    service.change("read-only", True, admin_id=9)
    service.change("read-only", False, admin_id=9)
    found = figures(client)
    assert found["controls"] == [
        {"name": "lane.users.paused", "value": True},
        {"name": "lane.coupons.paused", "value": False},
        {"name": "read-only", "value": False},
    ]
    assert (found["status"], [one["text"] for one in found["concerns"]]) == (
        "warning", ["The control lane.users.paused is on."]
    )
    assert "The control lane.users.paused is on." in page(client).text
    service.change("lane.users.paused", False, admin_id=9)


def test_what_others_have_written_is_shown_as_text(client: Client) -> None:
    beat(0, '{"kafka":"away","reason":"<script>alert(1)</script>"}')
    assert "&lt;script&gt;alert(1)" in page(client).text


def test_a_crowd_of_lookers_looks_once_a_second() -> None:
    # Given a look that takes its time
    looks: list[int] = []
    entered, go_on = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        looks.append(len(looks))
        entered.set()
        assert go_on.wait(10)
        return {"look": len(looks)}

    now = [100.0]
    board = Board(slow, lambda: now[0])
    seen: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: seen.append(board.figures())) for _ in range(9)]
    # When many ask at once, and again within the second
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    go_on.set()
    for thread in threads:
        thread.join()
    now[0] += 0.9
    board.figures()
    # Then there was one look; and the next comes a second after it
    assert (looks, len(seen)) == ([0], 9)
    now[0] += 0.2
    assert board.figures() == {"look": 2}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "never"), (0.04, "0.0 s"), (9.96, "10.0 s"), (59, "59 s"), (119.9, "119 s"),
        (120, "2 min"), (7_200, "2 h"), (172_800, "2 d"), (100_000_000, "1,157 d"),
    ],
)
def test_ages_as_people_read_them(seconds: float | None, text: str) -> None:
    assert age(seconds) == text
