"""Several relays: one leader a shard, a standby that takes over, and no order broken by either."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from domain.outbox.events import SHARDS
from domain.outbox.leadership import Leadership
from infra.database import execute, rows, session
from tests.support.outbox import (
    ShiftedClock,
    Topics,
    committed,
    event,
    given_events,
    let_leases_expire,
    make_relay,
    outbox,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

ALL = list(range(SHARDS))


@pytest.fixture
def topics(database: None) -> Iterator[Topics]:
    with Topics() as eyes:
        yield eyes


def test_the_first_takes_all_shards_and_the_second_stands_by() -> None:
    first, second = Leadership("first"), Leadership("second")
    first.renew()
    second.renew()
    assert first.shards == ALL
    assert second.shards == []


def test_only_expired_shards_are_taken_over() -> None:
    # Given a leader that has stopped renewing half of its shards
    first, second = Leadership("first"), Leadership("second")
    first.renew()
    with session():
        execute("UPDATE shard_leases SET lease_until = NOW(3) WHERE shard < 8")
    # When the standby looks, Then it has those, and the first learns of it when it renews
    second.renew()
    first.renew()
    assert second.shards == ALL[:8]
    assert first.shards == ALL[8:]


def test_a_leader_that_cannot_renew_stops_by_its_own_clock() -> None:
    clock = ShiftedClock()
    leader = Leadership("first", clock)
    leader.renew()
    clock.shift += 10
    assert leader.shards == []


def test_a_released_shard_is_free_at_once() -> None:
    first, second = Leadership("first"), Leadership("second")
    first.renew()
    first.release()
    second.renew()
    assert second.shards == ALL
    assert first.shards == []


def test_emptied_leases_are_made_anew() -> None:
    leader = Leadership("first")
    leader.renew()
    with session():
        execute("DELETE FROM shard_leases")
    leader.renew()
    assert leader.shards == ALL


def test_a_standby_publishes_nothing_and_says_nothing() -> None:
    given_events(event(1))
    Leadership("somebody else").renew()
    assert make_relay().tick() == 0
    assert outbox() == [("pending", 0)]
    with session():
        assert rows("SELECT * FROM heartbeats") == []


def test_a_standby_takes_over_when_the_leader_has_gone(topics: Topics) -> None:
    # Given a leader that published a part and ended without a word
    leader, standby = make_relay(), make_relay()
    given_events(*[event(at % 5, at) for at in range(50)])
    leader.tick()
    assert standby.tick() == 0
    given_events(*[event(at % 5, at) for at in range(50, 100)])
    # When its leases have run out, Then the standby carries the rest
    let_leases_expire()
    assert eventually(standby.tick, 5) == 50
    assert topics.firsts() == committed()
    assert len(topics.read()) == 100


def test_a_leader_that_wakes_up_late_breaks_no_order(topics: Topics) -> None:
    # Given a leader that has read its batch and is stopped before it sends
    late, other = make_relay(), make_relay()
    given_events(*[event(at % 3, at) for at in range(30)])
    send = late._courier.send

    def sleep_and_send(events: Sequence[object], go_on: object) -> object:
        # … while its leases run out and another publishes that batch and more
        late._courier.send = send  # type: ignore[method-assign]
        let_leases_expire()
        given_events(*[event(at % 3, at) for at in range(30, 60)])
        assert other.tick() == 60
        return send(events, go_on)  # type: ignore[arg-type]

    late._courier.send = sleep_and_send  # type: ignore[method-assign,assignment]
    # When it wakes up and sends what it had read
    late.tick()
    # Then first appearances are in order, and no mark has changed
    assert topics.firsts() == committed()
    assert set(outbox()) == {("published", 0)}


def test_leadership_that_changes_all_the_time_loses_nothing_and_breaks_no_order(
    topics: Topics,
) -> None:
    # Given two relays that both run, and leases that run out again and again
    given_events(*[event(at % 11, at) for at in range(1500)])
    relays = [make_relay(batch=64), make_relay(batch=64)]
    ended = threading.Event()
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            while not ended.is_set():
                relays[number]._pulse._beaten_at = float("-inf")
                relays[number].tick()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        # When they have carried everything
        def all_published() -> bool:
            let_leases_expire()
            return set(outbox("status")) == {("published",)}

        eventually(all_published, 60)
    finally:
        ended.set()
        for thread in threads:
            thread.join(20)
    # Then each event has arrived, first appearances in order
    assert not errors
    assert topics.firsts() == committed()
