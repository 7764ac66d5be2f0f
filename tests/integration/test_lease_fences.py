"""What a worker says of jobs that were taken from it: nothing of it is kept.

Its effects are not what fails here: the handlers write nothing, so that no unique index stands
behind the lease.
"""

import threading
from collections.abc import Sequence

import pytest
from redis import Redis

from domain.jobs import claim_store
from domain.jobs.claim import claim
from domain.jobs.errors import LeaseLost
from domain.jobs.kinds import Job, JobKind, Kinds, Lane, Outcome, PutBack, Refused, Succeeded
from domain.jobs.perform import Performer
from domain.kernel.errors import NoSuchThing
from domain.wallet import charge
from infra.database import execute, session
from tests.support.market import select
from tests.support.shop import accepted, given_users, make_drain, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")


def answering(outcome: Outcome, *, after: threading.Event | None = None) -> Kinds:
    """A kind whose work is its answer, given as soon as ``after`` is set."""

    def handler(jobs: Sequence[Job]) -> Sequence[Outcome]:
        if after is not None:
            assert after.wait(20)
        return [outcome] * len(jobs)

    return Kinds([JobKind(charge.NAME, Lane.USERS, handler, charge.KIND.location)])


@pytest.mark.parametrize(
    "late",
    [Succeeded({"by": "the late one"}), Refused(NoSuchThing()), PutBack("later")],
    ids=["succeeded", "refused", "put back"],
)
def test_a_late_answer_does_not_take_the_place_of_the_first(redis: Redis, late: Outcome) -> None:
    # Given a worker that stands still before it answers, until its lease has ended
    [user] = given_users(0)
    accepted(*[charge.command(user, user, 1, None, None) for _ in range(2)])
    go_on = threading.Event()
    stopped = threading.Thread(
        target=make_drain(redis, answering(late, after=go_on)).run, args=(Lane.USERS,)
    )
    stopped.start()
    wait_for_the_claim()
    with session():
        execute("UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND")
    redis.flushall()
    # When another has done its jobs by the time it goes on
    work(redis, answering(Succeeded({"by": "the first"})))
    go_on.set()
    stopped.join(20)
    # Then its own answers are not there
    assert select("SELECT status, result, error, lease_token FROM jobs") == [
        ("succeeded", '{"by":"the first"}', None, None)
    ] * 2


def test_work_that_was_taken_over_is_not_begun() -> None:
    # Given a claim whose lease has ended, and a worker that took the job over, before its work
    [user] = given_users(0)
    accepted(charge.command(user, user, 1, None, None))
    gone = claim(Lane.USERS, charge.NAME, {f"user:{user}": 1}, b"g" * 16, 10.0)
    with session():
        execute("UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND")
        assert claim_store.seize(gone.jobs[0].id, b"o" * 16) == 1
    begun: list[Job] = []

    def handler(jobs: Sequence[Job]) -> Sequence[Outcome]:
        begun.extend(jobs)
        return [Succeeded({})] * len(jobs)

    # When the first one begins
    kind = JobKind(charge.NAME, Lane.USERS, handler, charge.KIND.location)
    with pytest.raises(LeaseLost):
        Performer(kind, gone.token, 10.0).perform(gone.jobs)
    # Then it does not
    assert begun == []


def test_what_was_taken_over_is_not_given_back(redis: Redis) -> None:
    # Given a worker that lost its connection, and its lease to another
    [user] = given_users(0)
    accepted(charge.command(user, user, 1, None, None))
    [(id_,)] = select("SELECT id FROM jobs")
    gone, other = b"g" * 16, b"o" * 16
    with session():
        assert claim_store.lease([id_], gone, 10.0) == 1
        execute("UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND")
        assert claim_store.seize(id_, other) == 1
        # When it gives its jobs back, Then the other still has them
        assert claim_store.give_back([id_], gone) == 0
    assert select("SELECT status, lease_token FROM jobs") == [("running", other)]


def wait_for_the_claim() -> None:
    eventually(lambda: select("SELECT DISTINCT status FROM jobs") == [("running",)], what="a claim")
