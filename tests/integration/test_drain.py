"""The drain: order, batches, take-over and fences, on a real database and a real Redis."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pymysql
import pytest
from redis import Redis

from domain.jobs.errors import JobNotQueued
from domain.jobs.kinds import Job, JobKind, Kinds, Lane, Outcome, PutBack
from domain.jobs.service import cancel, find
from domain.jobs.sweeper import lanes_to_wake
from domain.wallet import charge
from infra import metrics
from infra.connections import connect_params
from infra.database import execute, rows, session
from infra.key_lock import KeyLocks
from tests.support.services import TestServices
from tests.support.shop import accepted, given_users, jobs, make_drain, work

pytestmark = pytest.mark.usefixtures("database")

Do = Callable[[Sequence[Job]], Sequence[Outcome]]


def charging(handler: Do, name: str = charge.NAME) -> Kinds:
    """The kind ``balance.charge`` with another handler, beside a kind ``other`` that just works."""
    location = charge.KIND.location
    return Kinds(
        [
            JobKind(name, Lane.USERS, handler, location),
            JobKind("other", Lane.USERS, charge.charge, location),
        ]
    )


def a_charge(user: int, amount: int = 100) -> charge.Command:
    return charge.command(user, user, amount, None, None)


def balance(user: int) -> int:
    with session():
        return int(rows("SELECT balance FROM users WHERE id = %s", (user,))[0][0])


def expire_leases() -> None:
    """As if the lease's ten seconds had passed."""
    with session():
        execute("UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND WHERE status = 'running'")


def make_due() -> None:
    with session():
        execute("UPDATE jobs SET due_at = NOW(3) WHERE due_at IS NOT NULL")


def test_jobs_of_one_key_take_effect_in_the_order_accepted(redis: Redis) -> None:
    # Given five charges of one user among others'
    hot, cold = given_users(0, 0)
    uuids = accepted(*[a_charge(hot, amount) for amount in (1, 2, 3, 4, 5)], a_charge(cold, 7))
    # When they are worked
    work(redis)
    # Then each continues the one before
    results = [job.result or "" for job in jobs(uuids[:5])]
    assert ['"currentBalance":%d,' % total in result for total, result in  # noqa: UP031
            zip((1, 3, 6, 10, 15), results, strict=True)] == [True] * 5
    assert (balance(hot), balance(cold)) == (15, 7)


def test_everything_of_a_batch_is_one_transaction(redis: Redis) -> None:
    users = given_users(*[0] * 30)
    accepted(*[a_charge(user) for user in users])
    before = metrics.drain_batch_size.labels("users")._sum.get()
    # When thirty jobs wait, Then one batch does them
    work(redis)
    assert metrics.drain_batch_size.labels("users")._sum.get() - before == 30
    with session():
        assert rows("SELECT COUNT(DISTINCT finished_at) FROM jobs") == [(1,)]


def test_two_workers_on_one_key_do_each_job_once(redis: Redis) -> None:
    # Given many jobs of one key
    [user] = given_users(0)
    accepted(*[a_charge(user, 1) for _ in range(200)])
    # When four drains work at once, in batches small enough to alternate
    threads = [
        threading.Thread(target=make_drain(redis, batch=4, batch_per_key=4).run, args=(Lane.USERS,))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    work(redis)
    # Then the history is one chain of two hundred
    with session():
        found = rows(
            "SELECT previous_balance, current_balance FROM balance_history "
            "WHERE kind = 'charge' ORDER BY job_id"
        )
    assert found == [(at, at + 1) for at in range(200)]


def test_without_redis_locks_the_leases_still_keep_workers_apart(redis: Redis) -> None:
    # Given a job that another worker has claimed, whose Redis lock is gone
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user))
    entered, go_on = threading.Event(), threading.Event()

    def slow(batch: Sequence[Job]) -> Sequence[Outcome]:
        entered.set()
        assert go_on.wait(20)
        return charge.charge(batch)

    first = threading.Thread(target=make_drain(redis, charging(slow)).run, args=(Lane.USERS,))
    first.start()
    assert entered.wait(20)
    redis.flushall()
    # When a second worker looks
    assert make_drain(redis).run(Lane.USERS) is False
    # Then it leaves the job alone
    assert find(uuid).status == "running"
    go_on.set()
    first.join(20)
    assert balance(user) == 100


def test_a_dead_workers_jobs_are_taken_over_and_a_late_one_is_fenced_off(redis: Redis) -> None:
    # Given a worker that is stopped in the middle of its effects
    users = given_users(0, 0)
    uuids = accepted(*[a_charge(user) for user in users])
    entered, go_on = threading.Event(), threading.Event()
    fenced = metrics.fenced_writes._value.get()

    def stopped(batch: Sequence[Job]) -> Sequence[Outcome]:
        entered.set()
        assert go_on.wait(20)
        return charge.charge(batch)

    late = threading.Thread(target=make_drain(redis, charging(stopped)).run, args=(Lane.USERS,))
    late.start()
    assert entered.wait(20)
    # When its lease ends and the sweeper wakes another
    assert lanes_to_wake() == []
    expire_leases()
    assert lanes_to_wake() == [Lane.USERS]
    redis.flushall()
    work(redis)
    # Then that one does the jobs
    assert [job.status for job in jobs(uuids)] == ["succeeded"] * 2
    # And what the first does when it goes on does not count
    go_on.set()
    late.join(20)
    assert [balance(user) for user in users] == [100, 100]
    assert metrics.fenced_writes._value.get() == fenced + 1


def test_a_job_that_takes_its_worker_down_is_found_and_given_up(redis: Redis) -> None:
    # Given a job among others whose worker dies each time
    users = given_users(0, 0, 0)
    uuids = accepted(*[a_charge(user) for user in users])
    poison = users[1]
    deaths: list[int] = []

    class WorkerKilled(BaseException):
        pass

    def deadly(batch: Sequence[Job]) -> Sequence[Outcome]:
        if any(job.user_id == poison for job in batch):
            deaths.append(len(batch))
            raise WorkerKilled
        return charge.charge(batch)

    # When the fleet goes on after each death
    for _ in range(8):
        try:
            make_drain(redis, charging(deadly)).run(Lane.USERS)
        except WorkerKilled:
            expire_leases()
            redis.flushall()
    # Then the others succeed, and it is failed after three attempts alone
    assert deaths == [3, 1, 1, 1]
    assert [job.status for job in jobs(uuids)] == ["succeeded", "failed", "succeeded"]
    assert "COMMON004" in (find(uuids[1]).error or "")
    assert balance(poison) == 0


def test_one_bad_job_does_not_spoil_its_batch(redis: Redis) -> None:
    # Given a handler that breaks for one user's job
    users = given_users(*[0] * 9)
    uuids = accepted(*[a_charge(user) for user in users])

    def picky(batch: Sequence[Job]) -> Sequence[Outcome]:
        if any(job.user_id == users[4] for job in batch):
            raise RuntimeError("no")
        return charge.charge(batch)

    # When the batch is worked
    work(redis, charging(picky))
    # Then the others are done and that one waits for its retry
    done = jobs(uuids)
    assert [job.status for job in done].count("succeeded") == 8
    # (the time to its next attempt is drawn from nothing up: it may have had two)
    assert done[4].status == "queued"
    assert done[4].attempts >= 1
    # And it is done once the fault is mended
    make_due()
    work(redis)
    assert find(uuids[4]).status == "succeeded"


def test_a_job_that_waits_for_a_retry_holds_back_its_key_only(redis: Redis) -> None:
    # Given two jobs of one user, the first of which cannot be done now
    waiting, free = given_users(0, 0)
    first, second, other = accepted(a_charge(waiting, 1), a_charge(waiting, 2), a_charge(free))
    away = True

    def needing(batch: Sequence[Job]) -> Sequence[Outcome]:
        if away and any(job.user_id == waiting for job in batch):
            # (none of them where its retry, drawn from no time up, is due within the same drain)
            others = [job for job in batch if job.user_id != waiting]
            it = iter(charge.charge(others) if others else [])
            return [
                PutBack("away", dependency_away=True) if job.user_id == waiting else next(it)
                for job in batch
            ]
        return charge.charge(batch)

    kinds = charging(needing)
    work(redis, kinds)
    # Then the second does not overtake it, others go on, and no attempt is used up
    assert [job.status for job in jobs([first, second, other])] == ["queued", "queued", "succeeded"]
    assert [job.attempts for job in jobs([first, second])] == [0, 0]
    # When the dependency is back
    away = False
    make_due()
    work(redis, kinds)
    assert [job.status for job in jobs([first, second])] == ["succeeded"] * 2
    assert balance(waiting) == 3


def test_a_job_that_keeps_failing_gives_up_after_thirty_seconds(redis: Redis) -> None:
    [user] = given_users(0)
    first, second = accepted(a_charge(user, 1), a_charge(user, 2))

    def broken(batch: Sequence[Job]) -> Sequence[Outcome]:
        if any(job.payload["amount"] == 1 for job in batch):
            raise RuntimeError("never")
        return charge.charge(batch)

    work(redis, charging(broken))
    assert find(first).status == "queued"
    # When it has been failing for thirty seconds
    with session():
        execute("UPDATE jobs SET failing_since = NOW(3) - INTERVAL 31 SECOND, due_at = NOW(3) "
                "WHERE failing_since IS NOT NULL")
    work(redis, charging(broken))
    # Then it fails for a system reason, and lets the next one through
    assert find(first).status == "failed"
    with session():
        assert rows("SELECT system_failure FROM jobs WHERE uuid = %s", (first.bytes,)) == [(1,)]
    assert find(second).status == "succeeded"


def test_kinds_of_one_key_keep_their_order(redis: Redis) -> None:
    # Given jobs of two kinds of one user, in turn
    [user] = given_users(0)
    order: list[str] = []

    def noting(batch: Sequence[Job]) -> Sequence[Outcome]:
        order.extend(f"{job.kind}:{job.payload['amount']}" for job in batch)
        return charge.charge(batch)

    location = charge.KIND.location
    kinds = Kinds([JobKind(name, Lane.USERS, noting, location) for name in ("a", "b")])
    commands = [
        charge.Command(name, user, user, f"user:{user}", {"amount": at})
        for at, name in enumerate("abbab")
    ]
    accepted(*commands, kinds=kinds)
    # When they are worked, Then they are done as they were accepted
    work(redis, kinds)
    assert order == ["a:0", "b:1", "b:2", "a:3", "b:4"]


def test_a_hot_key_leaves_the_others_their_places_in_a_batch(redis: Redis) -> None:
    # Given a key whose jobs nearly fill a window, one that fills it, and one behind both
    hot, warm, cold = given_users(0, 0, 0)
    batches: list[list[int]] = []

    def noting(batch: Sequence[Job]) -> Sequence[Outcome]:
        batches.append([job.user_id for job in batch])
        return charge.charge(batch)

    kinds = charging(noting)
    commands = [a_charge(user) for user in [hot] * 6 + [warm] * 2 + [cold] * 8]
    accepted(*commands, kinds=kinds)
    # When they are worked, Then the first batch has of each what its share is, and is full
    make_drain(redis, kinds, batch=8, batch_per_key=4).run(Lane.USERS)
    assert batches[0] == [hot] * 4 + [warm] * 2 + [cold] * 2


def test_what_comes_to_the_front_after_the_look_is_done_in_the_same_turn(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two jobs of one key and of different kinds
    [user] = given_users(0)
    kinds = charging(charge.charge)
    command = a_charge(user)
    first, second = accepted(command, replace(command, kind="other"), kinds=kinds)
    acquire = KeyLocks.acquire

    def late(locks: KeyLocks, keys: Sequence[str]) -> tuple[str, list[str]]:
        if find(first).status == "queued":
            cancel(first)
        return acquire(locks, keys)

    # When the first is cancelled while a drain that has seen it tries the key's lock
    monkeypatch.setattr(KeyLocks, "acquire", late)
    assert not make_drain(redis, kinds).run(Lane.USERS)
    # Then the second, for which no other wake will come, is done all the same
    assert [job.status for job in jobs([first, second])] == ["cancelled", "succeeded"]


def test_a_queued_job_can_be_cancelled_and_a_started_one_cannot(redis: Redis) -> None:
    [user] = given_users(0)
    first, second = accepted(a_charge(user, 1), a_charge(user, 2))
    cancel(first)
    work(redis)
    with pytest.raises(JobNotQueued):
        cancel(second)
    assert [job.status for job in jobs([first, second])] == ["cancelled", "succeeded"]
    assert balance(user) == 2


def test_a_wake_delivered_twice_does_nothing_twice(redis: Redis) -> None:
    [user] = given_users(0)
    accepted(a_charge(user))
    for _ in range(2):
        work(redis)
    assert balance(user) == 100


def test_a_row_that_others_hold_delays_its_own_job_and_fails_none(
    redis: Redis, services: TestServices
) -> None:
    # Given jobs of five users, the row of one of whom somebody else holds
    users = given_users(*[0] * 5)
    uuids = accepted(*[a_charge(user) for user in users])
    name, params = connect_params(services.urls.database)
    other = pymysql.connect(database=name, **params)
    with other.cursor() as cursor:
        cursor.execute("SELECT id FROM users WHERE id = %s FOR UPDATE", (users[2],))
        # When they are worked, with little time for it
        make_drain(redis, lease_seconds=4).run(Lane.USERS)
        done = jobs(uuids)
        # Then that job waits, and neither it nor another is a suspect or has used up an attempt
        assert (done[2].status, done[2].attempts) == ("queued", 0)
        with session():
            assert rows("SELECT SUM(suspect), SUM(lost_alone) FROM jobs") == [(0, 0)]
        other.rollback()
    other.close()
    # And all are done when the row is free
    make_due()
    work(redis)
    assert [job.status for job in jobs(uuids)] == ["succeeded"] * 5


def test_a_kind_that_this_release_does_not_know_waits_for_one_that_does(redis: Redis) -> None:
    # Given a job of a kind of tomorrow, with one behind it, and another user's
    user, other = given_users(0, 0)
    location = charge.KIND.location
    newer = Kinds([charge.KIND, JobKind("new", Lane.USERS, charge.charge, location)])
    command = charge.Command("new", user, user, f"user:{user}", {"amount": 1})
    unknown, behind = accepted(command, a_charge(user), kinds=newer)
    [known] = accepted(a_charge(other))
    # When a worker of today works, Then it does what it knows, and nothing out of order
    work(redis)
    assert [job.status for job in jobs([unknown, behind, known])] == [
        "queued", "queued", "succeeded",
    ]
    # And one of tomorrow does the rest
    work(redis, newer)
    assert [job.status for job in jobs([unknown, behind])] == ["succeeded"] * 2


def test_a_lock_asked_for_twice_by_one_taker_is_taken(redis: Redis) -> None:
    # Given a client that missed the answer and asks again, with the same token
    locks = KeyLocks(redis, 10)
    token, _ = locks.acquire(["a"])
    again = locks._acquire(keys=["lock:a"], args=[token, 10_000])
    # Then the lock is its own, and nobody else's
    assert again == 1
    assert locks.acquire(["a"])[1] == []
    assert locks.release(token, ["a"]) == 1
