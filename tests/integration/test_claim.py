"""The claim, by itself: what it leaves alone, even when no Redis lock keeps workers apart."""

import os
import threading

import pytest
from redis import Redis

from domain.jobs.claim import Claimed, claim
from domain.jobs.kinds import Lane
from domain.wallet import charge
from infra.database import execute, rows, session
from infra.key_lock import KeyLocks
from tests.support.shop import accepted, given_users, make_drain

pytestmark = pytest.mark.usefixtures("database")


def claim_of(user: int, count: int = 10) -> Claimed:
    return claim(Lane.USERS, charge.NAME, {f"user:{user}": count}, os.urandom(16), 10)


def given_charges(user: int, count: int) -> None:
    accepted(*[charge.command(user, user, 1, None, None) for _ in range(count)])


def test_a_key_is_claimed_from_its_earliest_job_without_gaps() -> None:
    [user] = given_users(0)
    given_charges(user, 5)
    claimed = claim_of(user, 3)
    assert [job.id for job in claimed.jobs] == sorted(job.id for job in claimed.jobs)
    assert len(claimed.jobs) == 3
    with session():
        assert rows("SELECT status FROM jobs ORDER BY id") == [("running",)] * 3 + [("queued",)] * 2


def test_what_another_worker_holds_is_left_and_so_is_all_behind_it() -> None:
    # Given a key whose first job runs under a live lease
    [user] = given_users(0)
    given_charges(user, 3)
    assert len(claim_of(user, 1).jobs) == 1
    # When another worker claims, Then it gets nothing
    assert not claim_of(user).moved


def test_a_job_that_waits_for_its_retry_holds_back_its_key() -> None:
    [user] = given_users(0)
    given_charges(user, 3)
    with session():
        execute("UPDATE jobs SET due_at = NOW(3) + INTERVAL 5 SECOND ORDER BY id LIMIT 1")
    assert not claim_of(user).moved


def test_an_expired_lease_is_taken_over_in_two_steps() -> None:
    [user] = given_users(0)
    given_charges(user, 2)
    claim_of(user)
    with session():
        execute("UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND")
    # When another worker comes, Then the jobs are queued again, as suspects
    assert claim_of(user).requeued == 2
    # And from then on each runs alone
    assert len(claim_of(user).jobs) == 1


def test_workers_that_all_believe_to_hold_the_locks_do_each_job_once(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given locks that everybody gets
    monkeypatch.setattr(KeyLocks, "acquire", lambda _, keys: ("token", list(keys)))
    [user] = given_users(0)
    given_charges(user, 200)
    # When six workers work on one key
    errors: list[Exception] = []

    def work() -> None:
        try:
            while rows_left():
                make_drain(redis, batch=5).run(Lane.USERS)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    # Then the history is one chain
    assert errors == []
    with session():
        found = rows(
            "SELECT previous_balance, current_balance FROM balance_history WHERE kind = 'charge' "
            "ORDER BY job_id"
        )
    assert found == [(at, at + 1) for at in range(200)]


def rows_left() -> bool:
    with session():
        return bool(rows("SELECT 1 FROM jobs WHERE queue_lane = 'users' LIMIT 1"))
