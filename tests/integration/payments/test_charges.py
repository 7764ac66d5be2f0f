"""Charges that a payment provider is asked for: the provider is a process, the database real."""

from uuid import UUID

import orjson
import pytest
from redis import Redis

from domain.jobs import backlog_store
from domain.jobs.errors import JobNotQueued
from domain.jobs.kinds import Lane
from domain.jobs.service import cancel, find
from domain.jobs.sweeper import lanes_to_wake
from domain.orders import place
from domain.payments import asker as asker_module
from domain.payments import service
from domain.wallet import charge
from infra.database import execute, rows, session
from infra.settings import settings
from tests.support.payments import Provider, Wakes, a_charge, asking, balance, request_of
from tests.support.shop import accepted, given_users, jobs, make_drain, submit, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

ENDED = {"succeeded", "failed"}


def all_ended(uuids: list[UUID]) -> bool:
    return all(job.status in ENDED for job in jobs(uuids))


def code_of(uuid: UUID) -> str:
    return str(orjson.loads(find(uuid).error or "{}").get("code", ""))


def let_holds_end() -> None:
    """As if the time that a charge may hold its key had passed."""
    with session():
        execute("UPDATE payment_requests SET held_until = NOW(3) WHERE held_until IS NOT NULL")
    service.let_go_overdue()


def due_now() -> None:
    with session():
        execute("UPDATE payment_requests SET next_attempt_at = NOW(3) "
                "WHERE next_attempt_at IS NOT NULL")


def test_an_approved_charge_is_asked_for_once_and_booked(redis: Redis, provider: Provider) -> None:
    # Given a charge
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 700))
    # When it is worked
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: all_ended([uuid]))
    # Then the provider has the job's id as its key, and it is booked
    assert find(uuid).status == "succeeded"
    assert balance(user) == 700
    held = provider.held(uuid) or {}
    assert (held["amount"], held["userId"], held["status"]) == (700, user, "approved")
    assert (provider.asked(uuid), request_of(uuid)) == (1, "booked")
    # And it has told of itself once
    with session():
        assert rows("SELECT COUNT(*) FROM outbox_events") == [(1,)]


def test_a_declined_charge_fails_and_frees_its_transaction_id(
    redis: Redis, provider: Provider
) -> None:
    # Given a provider that declines
    provider.set(declineAbove=1_000)
    [user] = given_users(50)
    [uuid] = accepted(a_charge(user, 1_001, "tx"))
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: all_ended([uuid]))
        # Then it is PAY002, with the provider's reason
        error = orjson.loads(find(uuid).error or "")
        assert (error["code"], error["status"]) == ("PAY002", 402)
        assert error["detail"] == "over the limit"
        assert balance(user) == 50
        # And the transactionId may be used again
        [again] = accepted(a_charge(user, 1_000, "tx"))
        assert again != uuid
        eventually(lambda: all_ended([again]))
    assert balance(user) == 1_050


def test_what_would_be_refused_anyway_is_not_asked_for(redis: Redis, provider: Provider) -> None:
    [user] = given_users(10**15 - 1)
    full, nobody = accepted(a_charge(user, 2), a_charge(user + 1, 2))
    work(redis)
    assert [code_of(one) for one in (full, nobody)] == ["COMMON001", "U001"]
    assert request_of(full) == request_of(nobody) == ""


def test_a_charge_that_is_asked_for_runs_and_cannot_be_cancelled(
    redis: Redis, provider: Provider
) -> None:
    # Given a charge that nobody answers for
    [user] = given_users(0)
    first, second = accepted(a_charge(user, 1), a_charge(user, 2))
    work(redis)
    # Then it runs, is no work for anybody, and cannot be cancelled
    assert [job.status for job in jobs([first, second])] == ["running"] * 2
    assert lanes_to_wake() == []
    with pytest.raises(JobNotQueued):
        cancel(first)
    with session():
        assert rows("SELECT SUM(suspect), SUM(lost_alone) FROM jobs") == [(0, 0)]


def test_a_time_out_after_the_money_moved_is_asked_for_again_and_booked_once(
    redis: Redis, provider: Provider
) -> None:
    # Given a provider that takes the money and does not say so
    provider.set(mode="silent")
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 300))
    with Wakes(redis) as wakes, asking(provider, wakes, timeout=0.2):
        eventually(lambda: provider.asked(uuid) >= 2)
        assert (find(uuid).status, balance(user)) == ("running", 0)
        # When it speaks again
        provider.set(mode="normal")
        eventually(lambda: all_ended([uuid]))
    # Then the money moved once, there and here
    assert (balance(user), provider.stats()["payments"]) == (300, 1)
    assert provider.asked(uuid) >= 3


def test_a_late_answer_is_had_by_asking_again(redis: Redis, provider: Provider) -> None:
    # Given a provider whose answers come later than anybody waits
    provider.set(lateSeconds=30.0)
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 300))
    # When it is asked again
    with Wakes(redis) as wakes, asking(provider, wakes, timeout=2):
        eventually(lambda: all_ended([uuid]))
    # Then it says what became of the payment, which was taken once
    assert (balance(user), provider.asked(uuid), provider.stats()["payments"]) == (300, 2, 1)


def test_askers_share_the_work_and_ask_once(redis: Redis, provider: Provider) -> None:
    # Given three askers, and charges of many users
    provider.set(latencySeconds=0.2)
    users = given_users(*[0] * 60)
    uuids = accepted(*[a_charge(user) for user in users])
    with (
        Wakes(redis) as wakes, asking(provider, wakes, concurrency=8),
        asking(provider, wakes, concurrency=8), asking(provider, wakes, concurrency=8),
    ):
        eventually(lambda: all_ended(uuids), 30)
    # Then nobody was asked for twice, and they asked beside each other
    assert [provider.asked(uuid) for uuid in uuids] == [1] * 60
    assert provider.stats()["mostOpen"] > 8
    assert [balance(user) for user in users] == [100] * 60


@pytest.mark.parametrize("mode", ["pending", "error", "unavailable", "wrong-answers",
                                  "wrong-amount", "lost"])
def test_an_outcome_that_is_not_known_ends_nothing(
    redis: Redis, provider: Provider, mode: str
) -> None:
    provider.set(mode=mode)
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 300))
    with Wakes(redis) as wakes, asking(provider, wakes, timeout=0.2):
        eventually(lambda: provider.asked(uuid) >= 2)
        assert (find(uuid).status, balance(user)) == ("running", 0)
        provider.set(mode="normal")
        eventually(lambda: all_ended([uuid]))
    assert (find(uuid).status, balance(user)) == ("succeeded", 300)


def test_many_are_asked_for_at_once_and_delay_nobody_else(
    redis: Redis, provider: Provider
) -> None:
    # Given a provider that takes five seconds, and a hundred charges of a hundred users
    provider.set(latencySeconds=5.0)
    users = given_users(*[0] * 100)
    [buyer] = given_users(0)
    with Wakes(redis) as wakes, asking(provider, wakes, timeout=20):
        uuids = accepted(*[a_charge(user) for user in users])
        wakes.wake()
        # When all are asked for at once, and another user's order comes meanwhile
        eventually(lambda: provider.stats()["open"] == 100)
        [order] = accepted(place.command(buyer, buyer))
        wakes.wake()
        eventually(lambda: all_ended([order]))
        # Then it did not wait for the provider, which has decided nothing yet
        assert provider.stats()["payments"] == 0
        assert code_of(order) == "O003"
        eventually(lambda: all_ended(uuids), 30)
    assert [balance(user) for user in users] == [100] * 100


def test_jobs_of_one_user_take_effect_in_the_order_accepted(
    redis: Redis, provider: Provider
) -> None:
    # Given a charge, then an order of the same user, then two charges of which one is declined
    provider.set(latencySeconds=0.2, declineAbove=1_000)
    [user] = given_users(0)
    with session():
        execute("INSERT INTO products (id, name, description, price, stock) "
                "VALUES (1, 'thing', '', 900, 5)")
        execute("INSERT INTO stock_movements (product_id, kind, quantity) VALUES (1, 'opening', 5)")
        execute("INSERT INTO cart_items (cart_id, product_id, quantity) VALUES (%s, 1, 1)", (user,))
    uuids = accepted(a_charge(user, 1_000), place.command(user, user), a_charge(user, 2_000),
                     a_charge(user, 5), a_charge(user, 6))
    # When they are worked
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: all_ended(uuids))
    # Then the order was paid from the charge before it, and each charge continues the one before
    assert [job.status for job in jobs(uuids)] == [
        "succeeded", "succeeded", "failed", "succeeded", "succeeded",
    ]
    with session():
        found = rows("SELECT kind, amount FROM balance_history WHERE user_id = %s ORDER BY id",
                     (user,))
    assert found[1:] == [("charge", 1_000), ("payment", -900), ("charge", 5), ("charge", 6)]


def test_charges_of_one_user_are_asked_for_at_once(redis: Redis, provider: Provider) -> None:
    provider.set(latencySeconds=2.0)
    [user] = given_users(0)
    uuids = accepted(*[a_charge(user, amount) for amount in range(1, 21)])
    with Wakes(redis) as wakes, asking(provider, wakes, timeout=20):
        eventually(lambda: all_ended(uuids), 30)
    assert provider.stats()["mostOpen"] == 20
    with session():
        amounts = rows("SELECT amount FROM balance_history WHERE kind = 'charge' ORDER BY id")
    assert amounts == [(amount,) for amount in range(1, 21)]


def test_after_thirty_seconds_it_lets_the_later_ones_go_and_is_booked_when_known(
    redis: Redis, provider: Provider
) -> None:
    # Given a charge of unknown outcome, and an order behind it
    provider.set(mode="lost")
    [user] = given_users(0)
    first, order = accepted(a_charge(user, 500), place.command(user, user))
    with Wakes(redis) as wakes, asking(provider, wakes, timeout=0.2):
        eventually(lambda: provider.asked(first) >= 2)
        assert find(order).status == "queued"
        # When thirty seconds have passed
        let_holds_end()
        wakes.wake()
        # Then the order goes on, and fails as one without money or cart does
        eventually(lambda: all_ended([order]))
        assert code_of(order) == "O003"
        assert find(first).status == "running"
        # And later charges are asked for, and wait for none
        provider.set(mode="normal", declineAbove=600)
        eventually(lambda: all_ended([first]))
    assert (find(first).status, balance(user)) == ("succeeded", 500)


def test_one_that_was_let_go_waits_for_nobody(redis: Redis, provider: Provider) -> None:
    # Given a charge that was let go, and a later one of its user that is asked for
    [user] = given_users(0)
    [first] = accepted(a_charge(user, 1))
    work(redis)
    let_holds_end()
    [second] = accepted(a_charge(user, 2))
    work(redis)
    assert [job.status for job in jobs([first, second])] == ["running"] * 2
    # When the outcome of the first becomes known
    with session():
        execute("UPDATE payment_requests SET next_attempt_at = NULL WHERE job_uuid = %s",
                (second.bytes,))
    with asking(provider):
        eventually(lambda: request_of(first) == "approved")
    work(redis)
    # Then it is booked at once, before the other one
    assert [job.status for job in jobs([first, second])] == ["succeeded", "running"]
    due_now()
    with session():
        execute("UPDATE payment_requests SET next_attempt_at = NOW(3) WHERE status = 'asking'")
    with asking(provider):
        eventually(lambda: request_of(second) == "approved")
    work(redis)
    assert balance(user) == 3


def test_an_outcome_that_comes_late_makes_no_lane_late(redis: Redis, provider: Provider) -> None:
    # Given a charge that was let go an hour ago, whose outcome has just come
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 1))
    work(redis)
    let_holds_end()
    with session():
        execute("UPDATE jobs SET accepted_at = NOW(3) - INTERVAL 1 HOUR")
    with asking(provider):
        eventually(lambda: request_of(uuid) == "approved")
    # Then the lane has not let anybody wait for an hour
    assert find(uuid).status == "queued"
    with session():
        assert backlog_store.oldest_seconds(Lane.USERS) < 60


def test_a_known_charge_does_not_overtake_one_before_it_that_is_not(
    redis: Redis, provider: Provider
) -> None:
    # Given two charges of one user, of which for whatever reason only the second is decided
    [user] = given_users(0)
    first, second = accepted(a_charge(user, 1), a_charge(user, 2))
    with session():
        execute("INSERT INTO payment_requests (job_id, job_uuid, user_id, amount, status, "
                "provider_id, created_at, decided_at) SELECT id, uuid, user_id, 2, 'approved', "
                "'p', NOW(3), NOW(3) FROM jobs WHERE uuid = %s", (second.bytes,))
    # When both are in one batch, Then the second waits for its turn
    work(redis)
    assert [job.status for job in jobs([first, second])] == ["running", "queued"]
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: all_ended([first, second]))
    with session():
        found = rows("SELECT amount FROM balance_history WHERE kind = 'charge' ORDER BY id")
    assert found == [(1,), (2,)]


def test_a_worker_killed_between_approval_and_booking_books_once(
    redis: Redis, provider: Provider
) -> None:
    # Given an approved charge whose worker dies in the middle of booking it
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40))
    work(redis)
    with asking(provider):
        eventually(lambda: request_of(uuid) == "approved")

    class WorkerKilled(BaseException):
        pass

    def dying(*_: object) -> None:
        raise WorkerKilled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charge, "append", dying)
        with pytest.raises(WorkerKilled):
            make_drain(redis).run(Lane.USERS)
    assert (find(uuid).status, balance(user)) == ("running", 0)
    # When another takes its jobs over
    with session():
        execute("UPDATE jobs SET lease_until = NOW(3) - INTERVAL 1 SECOND")
    redis.flushall()
    work(redis)
    # Then it is booked, and nobody was asked a second time
    assert (find(uuid).status, balance(user)) == ("succeeded", 40)
    assert (provider.asked(uuid), request_of(uuid)) == (1, "booked")


def test_an_asker_killed_before_it_kept_the_answer_asks_again_with_the_same_key(
    redis: Redis, provider: Provider
) -> None:
    # Given an asker that the provider has answered, and that died of it
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40))
    work(redis)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asker_module, "FINISH_SECONDS", 0.0)
        patch.setattr(asker_module.Answers, "write", lambda _: False)
        with asking(provider):
            eventually(lambda: provider.asked(uuid) == 1)
    assert request_of(uuid) == "asking"
    # When its lease has ended
    due_now()
    with asking(provider):
        eventually(lambda: request_of(uuid) == "approved")
    work(redis)
    # Then the money moved once
    assert provider.asked(uuid) == 2
    assert (balance(user), provider.stats()["payments"]) == (40, 1)


def test_a_provider_that_is_away_fails_nothing(redis: Redis, provider: Provider) -> None:
    # Given a provider that is away
    provider.stop()
    users = given_users(*[0] * 30)
    uuids = accepted(*[a_charge(user) for user in users])
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: _attempts() > 30)
        let_holds_end()
        # Then none fails, though none holds its key any more, and Redis is emptied meanwhile
        redis.flushall()
        assert {job.status for job in jobs(uuids)} == {"running"}
        # When it is back, Then all are booked
        provider.start()
        eventually(lambda: all_ended(uuids), 30)
    assert [balance(user) for user in users] == [100] * 30


def _attempts() -> int:
    with session():
        return int(rows("SELECT SUM(attempts) FROM payment_requests")[0][0] or 0)


def test_what_was_approved_and_cannot_be_booked_is_given_back(
    redis: Redis, provider: Provider
) -> None:
    # Given an approved charge whose user has no room for it any more
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40, "tx"))
    work(redis)
    with session():
        execute("UPDATE users SET balance = %s WHERE id = %s", (10**15 - 10, user))
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: all_ended([uuid]))
        # Then the charge fails, and the provider gives the money back
        assert code_of(uuid) == "COMMON001"
        eventually(lambda: request_of(uuid) == "voided")
    assert (provider.held(uuid) or {})["status"] == "voided"
    assert balance(user) == 10**15 - 10


def test_an_approved_charge_that_the_system_fails_is_given_back(
    redis: Redis, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an approved charge that cannot be booked for a fault of ours
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40, "tx"))
    work(redis)
    with asking(provider):
        eventually(lambda: request_of(uuid) == "approved")

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(charge, "append", broken)
        work(redis)
        # When it has failed for thirty seconds
        with session():
            execute("UPDATE jobs SET failing_since = NOW(3) - INTERVAL 31 SECOND, due_at = NOW(3)")
        work(redis)
    assert code_of(uuid) == "COMMON004"
    # Then the money goes back, and the transactionId may be used for another charge
    with Wakes(redis) as wakes, asking(provider, wakes):
        eventually(lambda: request_of(uuid) == "voided")
        [again] = accepted(a_charge(user, 40, "tx"))
        eventually(lambda: all_ended([again]))
    assert (balance(user), provider.stats()["voided"], provider.stats()["approved"]) == (40, 1, 1)


def test_without_a_provider_nothing_is_asked_or_looked_up(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("a query more")

    for name in ("standing", "insert", "booked"):
        monkeypatch.setattr(service.store, name, asked)
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40))
    work(redis)
    assert (find(uuid).status, find(uuid).attempts, balance(user)) == ("succeeded", 1, 40)
    assert request_of(uuid) == ""


def test_a_verdict_counts_when_the_provider_is_no_longer_set(
    redis: Redis, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a declined and an approved charge that nobody has drained yet
    provider.set(declineAbove=50)
    users = given_users(0, 0)
    uuids = accepted(a_charge(users[0], 60), a_charge(users[1], 40))
    work(redis)
    with asking(provider):
        eventually(lambda: [request_of(one) for one in uuids] == ["declined", "approved"])
    # When the shop goes on without a provider
    monkeypatch.setenv("PAYMENT_GATEWAY_URL", "")
    settings.cache_clear()
    work(redis)
    # Then nobody is given what the provider refused
    assert [code_of(one) for one in uuids] == ["PAY002", ""]
    assert [balance(user) for user in users] == [0, 40]
    assert request_of(uuids[1]) == "booked"


def test_the_same_transaction_id_is_the_same_charge_while_it_is_asked_for(
    redis: Redis, provider: Provider
) -> None:
    [user] = given_users(0)
    [uuid] = accepted(a_charge(user, 40, "tx"))
    work(redis)
    [again] = submit(a_charge(user, 40, "tx"))
    assert again.uuid == uuid  # type: ignore[union-attr]
