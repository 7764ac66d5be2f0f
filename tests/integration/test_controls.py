"""The operators' switches: lanes paused, the front read-only."""

from collections.abc import Iterator, Sequence

import orjson
import pytest
from redis import Redis

from domain.controls import service as controls
from domain.controls.service import Watch, lane_state
from domain.jobs.drain import Drain
from domain.jobs.kinds import Job, JobKind, Kinds, Lane, Outcome, PutBack
from domain.jobs.service import find
from domain.jobs.sweeper import lanes_to_wake
from domain.wallet import charge
from infra.database import execute, rows, session
from tests.support.cli import run
from tests.support.client import Client
from tests.support.shop import accepted, given_users, make_drain
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _off(database: None) -> Iterator[None]:
    """No other test finds a switch on."""
    controls._WATCH.forget()
    yield
    with session():
        execute("DELETE FROM controls")
    controls._WATCH.forget()


def set_control(client: Client, name: str, on: bool) -> None:
    answer = client.admin(9).call("PUT", f"/api/admin/controls/{name}", json={"value": on})
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["name"], answer.get_json()["value"]) == (name, on)


def a_charge(user: int) -> charge.Command:
    return charge.command(user, user, 1, None, None)


def drain(redis: Redis, kinds: Kinds | None = None) -> Drain:
    options = {"kinds": kinds} if kinds else {}
    return make_drain(redis, lane_state=lane_state, **options)


def test_switches_are_listed_and_set_and_written_down(client: Client) -> None:
    before = client.admin().get("/api/admin/controls").get_json()["controls"]
    assert {one["name"]: one["value"] for one in before} == {
        "lane.users.paused": False, "lane.coupons.paused": False, "read-only": False,
    }
    # When one is set
    set_control(client, "lane.users.paused", True)
    # Then it is seen, everywhere
    after = client.admin().get("/api/admin/controls").get_json()["controls"]
    assert [one["name"] for one in after if one["value"]] == ["lane.users.paused"]
    assert next(one for one in after if one["value"])["changedAt"].endswith("Z")
    assert client.get("/readyz").get_json()["pausedLanes"] == ["users"]
    # And the book says who did it
    with session():
        [(admin, action, target, detail)] = rows(
            "SELECT admin_id, action, target, detail FROM admin_audit"
        )
    assert (admin, action, target) == (9, "control.set", "control:lane.users.paused")
    assert orjson.loads(detail) == {"value": True}


def test_only_admins_and_only_switches_that_there_are(client: Client) -> None:
    path = "/api/admin/controls/read-only"
    assert client.user(1).call("PUT", path, json={"value": True}).status_code == 403
    assert client.call("PUT", path, json={"value": True}).status_code == 401
    other = client.admin().call("PUT", "/api/admin/controls/nothing", json={"value": True})
    assert (other.status_code, other.get_json(force=True)["code"]) == (404, "COMMON005")
    for body in ({}, {"value": "true"}, {"value": 1}, {"value": True, "more": 1}):
        assert client.admin().call("PUT", path, json=body).status_code == 422
    with session():
        assert rows("SELECT COUNT(*) FROM controls") == [(0,)]


def test_a_paused_lane_is_left_alone_and_goes_on_accepting(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    set_control(client, "lane.users.paused", True)
    # When work comes
    answer = client.user(user).post(f"/api/users/{user}/balance/charge", {"amount": 5})
    # Then it is accepted, but no worker takes it and nobody wakes one
    assert answer.status_code == 202
    assert drain(redis).run(Lane.USERS) is False
    assert lanes_to_wake(lane_state) == []
    path = answer.headers["Location"]
    assert client.user(user).get(path).get_json()["status"] == "queued"
    # And when the lane goes on, so does its work
    set_control(client, "lane.users.paused", False)
    assert lanes_to_wake(lane_state) == [Lane.USERS]
    drain(redis).run(Lane.USERS)
    assert client.user(user).get(path).get_json()["status"] == "succeeded"


def test_the_other_lane_is_worked_meanwhile(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    [job] = accepted(a_charge(user))
    set_control(client, "lane.coupons.paused", True)
    drain(redis).run(Lane.USERS)
    assert find(job).status == "succeeded"


def test_no_job_fails_by_the_time_that_its_lane_stood_still(client: Client, redis: Redis) -> None:
    [user] = given_users(0)
    failing = True

    def handler(jobs: Sequence[Job]) -> Sequence[Outcome]:
        return [PutBack("not now")] * len(jobs) if failing else charge.charge(jobs)

    kinds = Kinds([JobKind(charge.NAME, Lane.USERS, handler, charge.KIND.location)])
    # Given a job that waits for its retry while its lane is paused, for longer than it may wait
    [job] = accepted(a_charge(user))
    drain(redis, kinds).run(Lane.USERS)
    set_control(client, "lane.users.paused", True)
    with session():
        execute("UPDATE jobs SET failing_since = NOW(3) - INTERVAL 1 HOUR, due_at = NOW(3)")
    set_control(client, "lane.users.paused", False)
    # When it fails once more after the pause, Then it is put back
    drain(redis, kinds).run(Lane.USERS)
    assert find(job).status == "queued"
    # And it succeeds when it can
    failing = False
    with session():
        execute("UPDATE jobs SET due_at = NOW(3)")
    drain(redis, kinds).run(Lane.USERS)
    assert find(job).status == "succeeded"


def test_without_a_pause_such_a_job_fails(redis: Redis) -> None:
    [user] = given_users(0)

    def handler(jobs: Sequence[Job]) -> Sequence[Outcome]:
        return [PutBack("not now")] * len(jobs)

    kinds = Kinds([JobKind(charge.NAME, Lane.USERS, handler, charge.KIND.location)])
    [job] = accepted(a_charge(user))
    drain(redis, kinds).run(Lane.USERS)
    with session():
        execute("UPDATE jobs SET failing_since = NOW(3) - INTERVAL 1 HOUR, due_at = NOW(3)")
    drain(redis, kinds).run(Lane.USERS)
    assert find(job).status == "failed"


def test_read_only_refuses_what_changes_something_and_nothing_else(client: Client) -> None:
    [user] = given_users(10)
    set_control(client, "read-only", True)
    # Then nothing is changed
    for method, path, body in (
        ("POST", f"/api/users/{user}/balance/charge", {"amount": 1}),
        ("POST", "/api/orders", None),
        ("POST", "/api/cart/items", {"productId": 1, "quantity": 1}),
        ("DELETE", "/api/cart", None),
        ("PATCH", "/api/cart/items/1", {"quantity": 1}),
    ):
        answer = client.user(user).call(method, path, json=body)
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (503, "COMMON008")
        assert int(answer.headers["Retry-After"]) >= 1
    assert client.admin().post("/api/users", {"name": "x"}).status_code == 503
    # But everything can be read, by POST too
    assert client.user(user).get(f"/api/users/{user}/balance").status_code == 200
    body = {"couponId": 1, "orderAmount": 100}
    assert client.user(user).post("/api/coupons/validate", body).status_code != 503
    assert client.get("/readyz").get_json()["readOnly"] is True
    # And who may not ask at all hears that first
    assert client.post("/api/orders").status_code == 401
    # And the switch can be set back
    set_control(client, "read-only", False)
    answer = client.user(user).post(f"/api/users/{user}/balance/charge", {"amount": 1})
    assert answer.status_code == 202


def test_another_process_follows_within_a_second(client: Client) -> None:
    now = 50.0
    other = Watch(clock=lambda: now)
    assert other.current()[0].read_only is False
    set_control(client, "read-only", True)
    assert other.current()[0].read_only is False
    now += 1.0
    assert other.current()[0].read_only is True


def test_switches_stay_as_they_were_while_the_database_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import peewee

    def away() -> None:
        raise peewee.OperationalError(2003, "away")

    now = 50.0
    watch = Watch(clock=lambda: now)
    set_control(client, "read-only", True)
    assert watch.current()[0].read_only is True
    monkeypatch.setattr("domain.controls.store.find_all", away)
    now += 5.0
    assert watch.current()[0].read_only is True


def test_setting_a_switch_again_keeps_its_time(client: Client) -> None:
    set_control(client, "lane.users.paused", False)
    with session():
        execute("UPDATE controls SET changed_at = NOW(3) - INTERVAL 1 HOUR")
    set_control(client, "lane.users.paused", False)
    assert eventually(lambda: lane_state(Lane.USERS).running_for, 2) > 3000


def test_switches_from_the_command_line() -> None:
    done = run("controls", "set", "read-only", "on")
    assert (done.exit_code, done.stdout) == (0, "read-only is on\n")
    listed = [orjson.loads(line) for line in run("controls", "list", "--json").stdout.splitlines()]
    assert [one["name"] for one in listed if one["value"]] == ["read-only"]
    assert "lane.users.paused" in run("controls", "list").stdout
    wrong = run("controls", "set", "nothing", "on")
    assert wrong.exit_code == 1
    assert "read-only" in wrong.output
