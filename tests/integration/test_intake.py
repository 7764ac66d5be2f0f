"""The intake: keys, repeats and refusals, decided by the database."""

import threading
import traceback
import uuid
from collections.abc import Callable
from typing import Any

import peewee
import pymysql
import pytest
from pymysql.connections import Connection
from redis import Redis

from domain.coupons import issue
from domain.jobs import committer as committer_module
from domain.jobs import intake_store, service
from domain.jobs.admission import Accepted, Batch, Result
from domain.jobs.intake import Intake
from domain.jobs.keys import idempotency_claim
from domain.jobs.kinds import Command, Lane
from domain.kernel.errors import DomainError, KeyReused, Unavailable
from domain.kernel.ids import uuid7
from domain.kinds import KINDS
from domain.wallet import charge
from infra.connections import ShopDatabase
from infra.database import database as connection
from infra.database import execute, rows, run_transaction, session
from tests.support.market import broken_rules, given_coupon
from tests.support.shop import accepted, given_users, submit, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")


def a_charge(
    user: int, amount: int = 100, transaction: str | None = None, key: str | None = None
) -> Command:
    target = f"/api/users/{user}/balance/charge?"
    body = f"{amount}/{transaction}".encode()
    claims = (idempotency_claim(user, key, "POST", target, body),) if key else ()
    return charge.command(user, user, amount, transaction, None, claims)


def count(table: str) -> int:
    with session():
        return int(rows(f"SELECT COUNT(*) FROM {table}")[0][0])


def test_commands_become_jobs_in_the_order_asked_for() -> None:
    # Given a user
    [user] = given_users(0)
    # When three charges are accepted in one commit
    uuids = accepted(*[a_charge(user, amount) for amount in (1, 2, 3)])
    # Then they are queued, in that order
    with session():
        found = rows("SELECT uuid, status, attempts FROM jobs ORDER BY id")
    assert found == [(one.bytes, "queued", 0) for one in uuids]


def test_the_same_key_is_the_same_job() -> None:
    [user] = given_users(0)
    # Given a charge with a key
    [first] = accepted(a_charge(user, key="k"))
    # When it is sent again
    [again] = submit(a_charge(user, key="k"))
    # Then it is the same job, and said to be a replay
    assert isinstance(again, Accepted)
    assert (again.uuid, again.replayed) == (first, True)
    assert count("jobs") == 1


def test_a_repeat_inside_one_group_commit_is_the_same_job() -> None:
    [user] = given_users(0)
    # When one commit holds a key three times
    results = submit(*[a_charge(user, key="k") for _ in range(3)])
    # Then there is one job, which the first made and the others repeat
    assert all(isinstance(one, Accepted) for one in results)
    assert {one.uuid for one in results if isinstance(one, Accepted)} == {results[0].uuid}  # type: ignore[union-attr]
    assert [one.replayed for one in results if isinstance(one, Accepted)] == [False, True, True]
    assert count("jobs") == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_key_for_something_else_is_refused(together: bool) -> None:
    [user] = given_users(0)
    # When a key comes again with another body, in the same commit or in a later one
    commands = [a_charge(user, 100, key="k"), a_charge(user, 200, key="k")]
    results = submit(*commands) if together else [*submit(commands[0]), *submit(commands[1])]
    # Then the second is refused and made nothing
    assert isinstance(results[0], Accepted)
    assert isinstance(results[1], KeyReused)
    assert count("jobs") == 1


def test_keys_are_exact_bytes() -> None:
    [user] = given_users(0)
    # When keys differ by case or by a space at the end, Then they are different keys
    accepted(*[a_charge(user, key=key) for key in ("Key", "key", "key ", " key")])
    assert count("jobs") == 4


def test_keys_of_different_callers_never_meet() -> None:
    users = given_users(0, 0)
    accepted(*[a_charge(user, key="k") for user in users])
    assert count("jobs") == 2


def test_a_transaction_id_is_claimed_for_one_amount() -> None:
    [user] = given_users(0)
    [first] = accepted(a_charge(user, 100, "t"))
    # When it comes again: the same amount is the same job, another amount is refused
    same, other = submit(a_charge(user, 100, "t"), a_charge(user, 101, "t"))
    assert isinstance(same, Accepted)
    assert same.uuid == first
    assert isinstance(other, KeyReused)
    # And another user may use the same
    [stranger] = given_users(0)
    accepted(a_charge(stranger, 100, "t"))
    assert count("jobs") == 2


def test_a_new_key_for_a_known_transaction_points_to_its_job() -> None:
    [user] = given_users(0)
    [first] = accepted(a_charge(user, 100, "t", key="k1"))
    # When the same transactionId comes with another key, twice
    again = a_charge(user, 100, "t", key="k2")
    results = [*submit(again), *submit(again)]
    # Then both are the first job
    assert [one.uuid for one in results if isinstance(one, Accepted)] == [first, first]
    with session():
        assert {row[0] for row in rows("SELECT job_uuid FROM idempotency_keys")} == {first.bytes}


def test_a_refused_request_leaves_no_claim_behind() -> None:
    [user] = given_users(0)
    accepted(a_charge(user, 100, "t"))
    # Given a request with a new key that is refused for its transactionId
    [refused] = submit(a_charge(user, 500, "t", key="k"))
    assert isinstance(refused, KeyReused)
    # When the key comes with a request that is in order, Then it is free
    accepted(a_charge(user, 500, "u", key="k"))


def test_a_known_key_is_known_whatever_became_of_its_transaction(redis: Redis) -> None:
    # Given a charge that failed, and another amount that took its transactionId since
    [first] = accepted(a_charge(999_999, 100, "t", key="k1"))
    work(redis)
    accepted(a_charge(999_999, 200, "t", key="k2"))
    # When the first is sent again with its key, Then it is answered with its job
    [again] = submit(a_charge(999_999, 100, "t", key="k1"))
    assert isinstance(again, Accepted)
    assert (again.uuid, again.replayed) == (first, True)


def test_a_refused_request_takes_nobody_of_its_commit_with_it() -> None:
    [user] = given_users(0)
    accepted(a_charge(user, 1, key="k1"))
    # When a transactionId comes with a key of something else, and in the same commit in good order
    refused, taken, again = submit(
        a_charge(user, 100, "t", key="k1"),
        a_charge(user, 100, "t", key="k2"),
        a_charge(user, 100, "t", key="k2"),
    )
    # Then only the first is refused
    assert isinstance(refused, KeyReused)
    assert isinstance(taken, Accepted)
    assert isinstance(again, Accepted)
    assert (again.uuid, taken.replayed, again.replayed) == (taken.uuid, False, True)
    # And every key names a job that there is
    assert broken_rules() == []


def test_the_repeat_of_a_failed_job_takes_nobody_of_its_commit_with_it(redis: Redis) -> None:
    # Given a charge that failed, which has freed its transactionId
    [first] = accepted(a_charge(999_999, 100, "t", key="k1"))
    work(redis)
    # When it is sent again with its key, and in the same commit with a new one
    old, new = submit(
        a_charge(999_999, 100, "t", key="k1"), a_charge(999_999, 100, "t", key="k2")
    )
    # Then the first is answered as before, and the second is another try
    assert isinstance(old, Accepted)
    assert isinstance(new, Accepted)
    assert (old.uuid, old.replayed, new.replayed) == (first, True, False)
    assert broken_rules() == []


def test_a_key_and_a_transaction_that_repeat_each_other_in_one_commit() -> None:
    [user] = given_users(0)
    # When one commit holds two keys for a transactionId, each twice, and a third for another amount
    *same, other, other_again = submit(
        *[a_charge(user, 100, "t", key=key) for key in ("k1", "k2", "k1", "k2")],
        *[a_charge(user, 200, "t", key="k3") for _ in range(2)],
    )
    # Then it is one job, and whatever says something else is refused, its repeat too
    assert {one.uuid for one in same if isinstance(one, Accepted)} == {same[0].uuid}  # type: ignore[union-attr]
    assert [one.replayed for one in same if isinstance(one, Accepted)] == [False, True, True, True]
    assert isinstance(other, KeyReused)
    assert isinstance(other_again, KeyReused)
    # And the third key is free
    accepted(a_charge(user, 200, "u", key="k3"))
    assert broken_rules() == []


@pytest.mark.usefixtures("redis")
def test_a_cancelled_job_frees_its_transaction_id() -> None:
    [user] = given_users(0)
    [first] = accepted(a_charge(user, 100, "t"))
    # When it is cancelled
    assert service.cancel(first).status == "cancelled"
    # Then the transactionId may stand for another amount
    [second] = accepted(a_charge(user, 200, "t"))
    assert second != first


def test_a_failed_job_frees_its_transaction_id(redis: object) -> None:
    # Given a charge that fails: there is no such user
    [first] = accepted(a_charge(999_999, 100, "t"))
    work(redis)  # type: ignore[arg-type]
    assert service.find(first).status == "failed"
    # Then the transactionId may stand for another amount
    accepted(a_charge(999_999, 200, "t"))


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_a_repeat_of_a_job_that_let_its_transaction_id_go_does_not_take_it_again(
    redis: Redis, ending: str
) -> None:
    user = 999_999 if ending == "failed" else given_users(0)[0]
    # Given a charge that has ended without effect, so that its transactionId is free
    [first] = accepted(a_charge(user, 100, "t", key="k"))
    if ending == "failed":
        work(redis)
    else:
        service.cancel(first)
    assert service.find(first).status == ending
    # When it is sent again with its key, Then it is answered with that job
    [again] = submit(a_charge(user, 100, "t", key="k"))
    assert isinstance(again, Accepted)
    assert (again.uuid, again.replayed) == (first, True)
    # And the transactionId is as free as before: for another try, and for another amount
    [second] = submit(a_charge(user, 200, "t", key="l"))
    assert isinstance(second, Accepted)
    assert (second.uuid != first, second.replayed) == (True, False)
    assert broken_rules() == []


def test_a_hundred_requests_with_one_key_at_once_make_one_job() -> None:
    [user] = given_users(0)
    # Given four web processes, each with an intake of its own
    intakes = [Intake(KINDS, lambda _: None) for _ in range(4)]
    answers: list[Accepted] = []
    start = threading.Barrier(100)

    def send(at: int) -> None:
        start.wait()
        answers.append(intakes[at % 4].submit(a_charge(user, key="k"), uuid7()))

    # When a hundred requests with one key come at once
    threads = [threading.Thread(target=send, args=(at,)) for at in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # Then all get the same job, and one of them made it
    assert len(answers) == 100
    assert len({answer.uuid for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert count("jobs") == 1


def test_one_bad_request_does_not_spoil_its_commit() -> None:
    [user] = given_users(0)
    woken: list[Lane] = []
    intake = Intake(KINDS, woken.append)
    # Given a request that the database cannot store: its key is too long for the column
    bad = Command(charge.NAME, user, user, "user:" + "9" * 100, {"amount": 1})
    answers: dict[str, object] = {}

    def send(name: str, command: Command) -> None:
        try:
            answers[name] = intake.submit(command, uuid7())
        except Exception as error:
            answers[name] = error

    threads = [
        threading.Thread(target=send, args=(name, command))
        for name, command in [("a", a_charge(user)), ("bad", bad), ("b", a_charge(user))]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # Then the others are accepted, and the lane is woken
    assert isinstance(answers["a"], Accepted)
    assert isinstance(answers["b"], Accepted)
    assert getattr(answers["bad"], "code", "") == "COMMON004"
    assert count("jobs") == 2
    assert Lane.USERS in woken


def test_who_is_told_of_no_job_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waited too long is withdrawn; one that is being committed is waited for."""
    [user] = given_users(0)
    monkeypatch.setattr(committer_module, "ANSWER_SECONDS", 1.0)
    intake = Intake(KINDS, lambda _: None)
    entered, go_on = threading.Event(), threading.Event()
    write = Batch.write

    def slow(
        batch: Batch, before_commit: Callable[[], None] = lambda: None
    ) -> dict[uuid.UUID, Result]:
        entered.set()
        assert go_on.wait(20)
        return write(batch, before_commit)

    monkeypatch.setattr(Batch, "write", slow)
    answers: dict[str, object] = {}

    def send(name: str) -> threading.Thread:
        def run() -> None:
            try:
                answers[name] = intake.submit(a_charge(user), uuid7())
            except Unavailable as error:
                answers[name] = error

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    # Given a request whose commit takes long, and one that waits behind it
    first = send("first")
    assert entered.wait(20)
    second = send("second")
    # When the second has waited too long, Then it is told so
    second.join(20)
    assert isinstance(answers["second"], Unavailable)
    # And when the first's commit is through, it is accepted, and no other job was made
    go_on.set()
    first.join(20)
    assert isinstance(answers["first"], Accepted)
    accepted(a_charge(user))
    assert count("jobs") == 2


def test_requests_refused_together_do_not_hold_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception keeps the frames that it is raised through: one for all would keep everybody's,
    and the requests with them."""
    coupon = given_coupon(1)
    with session():
        execute("UPDATE coupon_gates SET sold_out = 1")
    intake = Intake(KINDS, lambda _: None)
    entered, go_on, sizes, write = threading.Event(), threading.Event(), list[int](), Batch.write

    def slow(batch: Batch, before_commit: Callable[[], None]) -> dict[uuid.UUID, Result]:
        entered.set()
        assert go_on.wait(20)
        results = write(batch, before_commit)
        sizes.append(len(results))
        return results

    monkeypatch.setattr(Batch, "write", slow)
    refusals: list[DomainError] = []

    def send(user: int) -> threading.Thread:
        def run() -> None:
            try:
                intake.submit(issue.command(user, user, coupon), uuid7())
            except DomainError as error:
                refusals.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    # Given four requests for a coupon that is sold out, three of them behind the first's commit
    threads = [send(1)]
    assert entered.wait(20)
    threads += [send(user) for user in range(2, 5)]
    eventually(lambda: intake._committers[Lane.COUPONS]._queue.qsize() == 3)
    # When they are decided
    go_on.set()
    for thread in threads:
        thread.join(20)
    # Then each has a refusal of its own, all say the same, and none leads to another's frames
    assert sizes == [1, 3]
    assert len({id(one) for one in refusals}) == 4
    assert [one.problem() for one in refusals] == [refusals[0].problem()] * 4
    assert {len(list(traceback.walk_tb(one.__traceback__))) for one in refusals} == {2}


@pytest.mark.parametrize("was_committed", [True, False])
def test_a_commit_whose_answer_was_lost_is_read_back(
    monkeypatch: pytest.MonkeyPatch, was_committed: bool
) -> None:
    """Nobody is told "no job" before the database has said so, however long it is away."""
    [user] = given_users(0)
    intake = Intake(KINDS, lambda _: None)
    end_with, read_back = type(connection).end_with, intake_store.committed
    lost = peewee.OperationalError(pymysql.err.OperationalError(2013, "lost"), 2013, "lost")
    tries: list[int] = []

    def answer_lost(self: ShopDatabase, sql: str, params: Any = None) -> None:
        monkeypatch.setattr(type(connection), "end_with", end_with)
        if was_committed:
            end_with(self, sql, params)
        raise lost

    def away_at_first(uuids: list[uuid.UUID]) -> object:
        tries.append(len(uuids))
        if len(tries) < 4:
            raise lost
        return read_back(uuids)

    # Given a COMMIT whose answer never comes, and a database that is away for a while then
    monkeypatch.setattr(type(connection), "end_with", answer_lost)
    monkeypatch.setattr(intake_store, "committed", away_at_first)
    # When a request is in it, Then its answer is what the database says in the end
    name = uuid7()
    if was_committed:
        assert intake.submit(a_charge(user), name).uuid == name
    else:
        with pytest.raises(Unavailable):
            intake.submit(a_charge(user), name)
    assert len(tries) == 4
    assert count("jobs") == was_committed


def test_what_had_not_run_when_it_was_looked_for_never_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The text with COMMIT in it may arrive after the read-back, which finds nothing of it."""
    [user] = given_users(0)
    intake = Intake(KINDS, lambda _: None)
    end_with, late = type(connection).end_with, list[tuple[Any, str]]()

    def under_way(self: ShopDatabase, sql: str, params: Any = None) -> None:
        monkeypatch.setattr(type(connection), "end_with", end_with)
        link = self.connection()
        late.append((link, link.cursor().mogrify(f"{sql}; COMMIT", params)))
        self._state.conn = self._open()
        self._state.conn.close()  # which is all that the client has left of it
        raise peewee.OperationalError(2013, "lost")

    # Given a text that ends with COMMIT, held up on its way to a server that still waits for it
    monkeypatch.setattr(type(connection), "end_with", under_way)
    with pytest.raises(Unavailable) as refused:
        intake.submit(a_charge(user), uuid7())
    # When its request has been told that it made no job, and the text arrives
    assert "away" in refused.value.detail
    [(link, text)] = late
    with pytest.raises(pymysql.err.OperationalError):
        link.cursor().execute(text)
    # Then there is none
    assert count("jobs") == 0


@pytest.mark.parametrize(
    ("kind", "trips"), [("charge", 2), ("charge without a transactionId", 2), ("coupon", 3)]
)
def test_a_batch_is_accepted_in_few_round_trips(
    monkeypatch: pytest.MonkeyPatch, kind: str, trips: int
) -> None:
    coupon, users = given_coupon(100), given_users(0, 0, 0)
    commands = {
        "charge": [charge.command(user, user, 5, f"top-up {user}", None) for user in users],
        "charge without a transactionId": [a_charge(user) for user in users],
        "coupon": [issue.command(user, user, coupon) for user in users],
    }
    sent, query = list[str](), Connection.query

    def noted(self: Connection, sql: str, unbuffered: bool = False) -> Any:
        sent.append(sql)
        return query(self, sql, unbuffered)

    with session():
        monkeypatch.setattr(Connection, "query", noted)
        run_transaction(
            lambda: Batch(KINDS, [(uuid7(), one) for one in commands[kind]]).write(), timed=True
        )
        monkeypatch.undo()
    assert len(sent) == trips
    assert count("jobs") == 3
