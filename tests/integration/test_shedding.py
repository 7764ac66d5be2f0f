"""More work than a lane should take is turned away, and the other lane goes on."""

import threading

import pytest
from redis import Redis

from domain.controls import service as controls
from domain.coupons import issue
from domain.jobs import backlog as backlog_module
from domain.jobs.backlog import Backlog, measure
from domain.jobs.intake import Intake
from domain.jobs.keys import idempotency_claim
from domain.jobs.kinds import Command, Lane
from domain.jobs.lanes import LaneState
from domain.jobs.shedding import Limits
from domain.kernel.errors import Unavailable
from domain.kernel.ids import uuid7
from domain.kinds import KINDS
from domain.wallet import charge
from infra import metrics
from infra.database import execute, session
from schedulers import job_sweeper
from tests.support.apps import app_with
from tests.support.market import given_coupon
from tests.support.shop import accepted, given_users, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

LIMIT = 20


def a_charge(user: int, key: str = "") -> Command:
    target = f"/api/users/{user}/balance/charge?"
    claims = (idempotency_claim(user, key, "POST", target, b"{}"),) if key else ()
    return charge.command(user, user, 1, None, None, claims)


def later(lane: Lane, seconds: float) -> None:
    """Given: everything in the lane was accepted so many seconds earlier."""
    with session():
        execute(
            "UPDATE jobs SET accepted_at = accepted_at - INTERVAL %s SECOND WHERE queue_lane = %s",
            (seconds, str(lane)),
        )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes are looked at every few milliseconds."""
    monkeypatch.setattr(backlog_module, "SAMPLE_SECONDS", 0.01)


@pytest.fixture
def intake(quick: None) -> Intake:
    return Intake(KINDS, lambda _: None, Limits(LIMIT, 60.0), controls.lane_state)


def refused(intake: Intake, command: Command) -> Unavailable | None:
    try:
        intake.submit(command, uuid7())
    except Unavailable as refusal:
        return refusal
    return None


def test_a_full_lane_takes_nothing_more_until_it_is_drained(intake: Intake, redis: Redis) -> None:
    users = given_users(*[0] * 10)
    coupon = given_coupon(100)
    shed = metrics.requests_shed.labels("users")._value.get()
    # Given a lane that holds as many jobs as it may
    accepted(*[a_charge(users[at % 10]) for at in range(LIMIT)])
    # When more is asked of it, Then it is refused with the time to come again
    refusal = eventually(lambda: refused(intake, a_charge(users[0])), 5, "the lane is full")
    assert refusal.code == "COMMON008"
    assert 1 <= (refusal.retry_after or 0) <= 60
    assert metrics.requests_shed.labels("users")._value.get() == shed + 1
    # And the other lane goes on
    assert refused(intake, issue.command(users[0], users[0], coupon, ())) is None
    # And when it is drained it accepts again
    work(redis)
    eventually(lambda: refused(intake, a_charge(users[1])) is None, 5, "the lane takes more")


def test_what_repeats_a_job_is_answered_even_then(intake: Intake) -> None:
    [user] = given_users(0)
    # Given an accepted charge with a key, in a lane that is full by now
    first = intake.submit(a_charge(user, "k"), uuid7())
    accepted(*[a_charge(user) for _ in range(LIMIT)])
    eventually(lambda: refused(intake, a_charge(user)), 5, "the lane is full")
    # When it is sent again, Then it finds its job
    again = intake.submit(a_charge(user, "k"), uuid7())
    assert (again.uuid, again.replayed) == (first.uuid, True)


def test_a_burst_between_two_looks_stops_at_the_limit() -> None:
    # Given a lane that was looked at just now, and is not looked at again
    users = given_users(*[0] * 10)
    intake = Intake(KINDS, lambda _: None, Limits(LIMIT, 0.0))
    lane = intake._backlogs[Lane.USERS]
    lane.look()
    # When far more comes than it may hold, from few at a time
    refusals: list[Unavailable] = []

    def ask() -> None:
        for at in range(30):
            refusal = refused(intake, a_charge(users[at % 10]))
            if refusal is not None:
                refusals.append(refusal)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # Then what this process let in itself counts at once: only those under way come on top
    taken = measure(Lane.USERS, 1_000).queued
    assert LIMIT <= taken <= LIMIT + 4
    assert len(refusals) == 120 - taken


def test_work_that_waits_too_long_is_a_reason_too(intake: Intake, redis: Redis) -> None:
    users = given_users(0, 0)
    # Given one job that has waited for a worker for longer than it should
    accepted(a_charge(users[0]))
    later(Lane.USERS, 90)
    # When another user asks for something, Then the lane takes nothing
    eventually(lambda: refused(intake, a_charge(users[1])), 5, "the lane is late")
    work(redis)
    eventually(lambda: refused(intake, a_charge(users[1])) is None, 5, "the lane takes more")


def test_a_key_that_waits_for_its_retry_makes_no_lane_late() -> None:
    users = given_users(0, 0)
    # Given a key whose first job waits for its retry, and jobs behind it, all of them old
    accepted(*[a_charge(users[0]) for _ in range(3)])
    later(Lane.USERS, 90)
    with session():
        execute("UPDATE jobs SET due_at = NOW(3) + INTERVAL 9 SECOND ORDER BY id LIMIT 1")
    # Then the lane's workers are not behind
    assert measure(Lane.USERS, 100).oldest == 0.0
    # But they are when another key's job is old, even one whose key is being worked at
    accepted(a_charge(users[1]), a_charge(users[1]))
    with session():
        execute(
            "UPDATE jobs SET status = 'running', lease_until = NOW(3) + INTERVAL 9 SECOND "
            "WHERE user_id = %s ORDER BY id LIMIT 1", (users[1],),
        )
    later(Lane.USERS, 30)
    assert measure(Lane.USERS, 100).oldest == pytest.approx(30, abs=2)


def test_a_paused_lane_is_not_late() -> None:
    [user] = given_users(0)
    accepted(a_charge(user))
    later(Lane.USERS, 90)
    state = LaneState(paused=True)
    lane = Backlog(Lane.USERS, Limits(LIMIT, 60.0), lambda _: state)
    lane.look()
    assert lane.refusal() is None
    # And it is late again when it runs
    state = LaneState()
    assert lane.refusal() is not None


def test_counting_stops_at_its_bound() -> None:
    [user] = given_users(0)
    accepted(*[a_charge(user) for _ in range(30)])
    assert measure(Lane.USERS, 7).queued == 7
    assert metrics.lane_queued.labels("users")._value.get() == 7


def test_an_old_look_turns_nobody_away() -> None:
    # Given a lane that was full when it was looked at
    now = 100.0
    [user] = given_users(0)
    accepted(*[a_charge(user) for _ in range(LIMIT)])
    lane = Backlog(Lane.USERS, Limits(LIMIT, 0.0), clock=lambda: now)
    lane._ask = lambda: None  # type: ignore[method-assign]  # nobody looks again
    lane.look()
    assert lane.refusal() is not None
    # When nobody has asked for long, Then the first to ask is let in
    now += 6.0
    assert lane.refusal() is None


def test_over_http_it_is_a_problem_with_a_time(database: None, redis: Redis) -> None:
    [user] = given_users(0)
    coupon = given_coupon(100)
    path = f"/api/users/{user}/balance/charge"
    with app_with(LANE_MAX_QUEUED="3") as client:
        me = client.user(user)
        first = me.post(path, {"amount": 1}, headers={"Idempotency-Key": "k"})
        # When more is asked of a lane than it may hold
        answer = eventually(
            lambda: next(
                (got for got in [me.post(path, {"amount": 1})] if got.status_code != 202), None
            ),
            5, "the lane is full",
        )
        # Then it is told so
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert answer.get_json(force=True)["code"] == "COMMON008"
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        # And all else goes on: the other lane, what was accepted already, and reading
        assert me.post(f"/api/coupons/{coupon}/issue").status_code == 202
        again = me.post(path, {"amount": 1}, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
        assert again.get_json()["jobId"] == first.get_json()["jobId"]
        assert me.get(f"/api/users/{user}/balance").status_code == 200


def test_the_time_to_come_again_follows_the_drain_rate(redis: Redis) -> None:
    # Given a lane that may hold ten jobs, and ten more than came were done within two seconds
    now = 100.0
    users = given_users(*[0] * 40)
    lane = Backlog(Lane.USERS, Limits(10, 0.0), clock=lambda: now, jitter=lambda: 0.0)
    lane._ask = lambda: None  # type: ignore[method-assign]
    accepted(*[a_charge(user) for user in users[:12]])
    lane.look()
    work(redis)
    accepted(*[a_charge(user) for user in users[12:14]])
    now += 2.0
    lane.look()
    assert lane.refusal() is None
    # When it holds 15 too many, at five a second, Then in three seconds it should not
    lane.accepted(22)
    refusal = lane.refusal()
    assert refusal is not None
    assert refusal.retry_after == 3


def test_the_scheduler_shows_every_lane(redis: Redis) -> None:
    [user] = given_users(0)
    accepted(a_charge(user), a_charge(user))
    later(Lane.USERS, 30)
    # When it looks for work that nobody was told about
    assert job_sweeper.tick() == 1
    # Then what it saw stands in the metrics
    assert metrics.lane_queued.labels("users")._value.get() == 2
    assert metrics.lane_oldest_seconds.labels("users")._value.get() == pytest.approx(30, abs=5)
    assert metrics.lane_queued.labels("coupons")._value.get() == 0
