"""The ranking in a real Redis, beside a model in plain Python."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from domain.ranking.projection import BUILDER_SILENCE_SECONDS, STATE, Busy, Projection, Stale
from domain.ranking.rules import Sale, day_of, expiry_of, window

ZONE = ZoneInfo("Asia/Seoul")
TODAY = day_of(datetime.now(UTC), ZONE)


@pytest.fixture
def projection(redis: Redis) -> Projection:
    return Projection(redis, ZONE)


def built(projection: Projection, generation: str = "first") -> None:
    """A live, empty generation."""
    projection.begin(generation)
    projection.swap(generation, {"orders": 0})


def apply(projection: Projection, *sales: Sale, today: date = TODAY) -> int:
    state = projection.state()
    assert state.live is not None
    return projection.apply(sales, state, state.live, today)


def ranked(sales: list[Sale], days: list[date]) -> list[tuple[int, int]]:
    """What a window shows by rights: each order's sale and taking back once."""
    sold: Counter[int] = Counter()
    for _, day, quantities, taken_back in {
        (one.order_id, one.day, one.quantities, one.taken_back) for one in sales
    }:
        if day in days:
            for product_id, quantity in quantities:
                sold[product_id] += -quantity if taken_back else quantity
    found = [(product_id, quantity) for product_id, quantity in sold.items() if quantity > 0]
    return sorted(found, key=lambda one: (-one[1], one[0]))


ORDERS = st.lists(
    st.tuples(
        st.integers(-1, 33),  # age in days
        st.dictionaries(st.integers(1, 12), st.integers(1, 4), min_size=1, max_size=4),
        st.booleans(),  # cancelled later
    ),
    max_size=25,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ORDERS, st.randoms(use_true_random=False), st.integers(1, 30))
def test_any_order_and_repetition_of_events_ends_at_what_the_orders_say(
    projection: Projection, orders: list[tuple[int, dict[int, int], bool]],
    chance: random.Random, days: int,
) -> None:
    # Given completed and cancelled orders of the last days, ids far apart, in an empty ranking
    for key in projection._redis.scan_iter("{ranking}:*"):
        projection._redis.delete(key)
    built(projection)
    events = []
    for number, (age, lines, is_cancelled) in enumerate(orders):
        sale = Sale(1 + number * 40_000, TODAY - timedelta(days=age), tuple(lines.items()))
        events.append(sale)
        if is_cancelled:
            events.append(Sale(sale.order_id, sale.day, sale.quantities, taken_back=True))
    # When the events come in any order, some of them again, a few at a time, while it is read
    coming = events + chance.choices(events, k=len(events) // 2) if events else []
    chance.shuffle(coming)
    read = window(TODAY, days)
    while coming:
        several = chance.randint(1, 7)
        apply(projection, *coming[:several])
        coming = coming[several:]
        if chance.random() < 0.3:
            projection.best_sellers(read, 5)
    # Then each window shows what the orders say, whether it was read before or not
    for length in {1, 3, days, 30}:
        seen = window(TODAY, length)
        assert projection.best_sellers(seen, 100) == ranked(events, seen)
    assert projection.best_sellers(read, 2) == ranked(events, read)[:2]
    # And what can still be asked for is known for good
    lasting = [one for one in events if one.day >= window(TODAY, 30)[0]]
    assert not lasting or apply(projection, *lasting) == 0


def test_an_event_that_comes_again_is_not_counted_again(projection: Projection) -> None:
    # Given an order that was counted, and another that was counted and taken back
    built(projection)
    sales = [Sale(1, TODAY, ((7, 2),)), Sale(2, TODAY, ((8, 5),))]
    cancelled = Sale(2, TODAY, ((8, 5),), taken_back=True)
    assert apply(projection, *sales, cancelled) == 3
    # When their events come again
    again = apply(projection, cancelled, *sales)
    # Then nothing moves
    assert projection.best_sellers([TODAY], 5) == [(7, 2)]
    assert again == 0


def test_ties_stand_by_ascending_id(projection: Projection) -> None:
    built(projection)
    apply(projection, Sale(1, TODAY, ((10, 2), (9, 2), (100, 2), (2, 3))))
    assert projection.best_sellers([TODAY], 3) == [(2, 3), (9, 2), (10, 2)]


def test_a_product_whose_orders_are_all_cancelled_is_gone(projection: Projection) -> None:
    built(projection)
    apply(projection, Sale(1, TODAY, ((7, 2),)))
    assert projection.best_sellers([TODAY], 5) == [(7, 2)]
    apply(projection, Sale(1, TODAY, ((7, 2),), taken_back=True))
    assert projection.best_sellers([TODAY], 5) == []
    state = projection.state()
    assert projection.quantities(str(state.live), TODAY) == {}


def test_a_cancel_takes_back_from_the_day_of_the_order(projection: Projection) -> None:
    built(projection)
    earlier = TODAY - timedelta(days=2)
    apply(projection, Sale(1, earlier, ((7, 2),)), Sale(2, TODAY, ((7, 5),)))
    apply(projection, Sale(1, earlier, ((7, 2),), taken_back=True))
    assert projection.best_sellers(window(TODAY, 3), 5) == [(7, 5)]
    assert projection.best_sellers([earlier], 5) == []


def test_all_keys_but_the_state_expire(projection: Projection, redis: Redis) -> None:
    # Given sales of today and of the oldest day, in windows that are read
    built(projection)
    oldest = window(TODAY, 30)[0]
    apply(projection, Sale(1, TODAY, ((7, 2),)), Sale(2, oldest, ((7, 5),)))
    projection.best_sellers(window(TODAY, 30), 5)
    # Then a day expires when nothing can ask for it any more, and what was seen not before
    keys = {key.decode() for key in redis.scan_iter("{ranking}:*")} - {STATE}
    assert len(keys) == 5  # two days, one segment of orders, one window, the names of all these
    for key in keys:
        assert redis.ttl(key) > 0, key
    assert abs(redis.expiretime(f"{{ranking}}:first:day:{oldest}") - expiry_of(oldest, ZONE)) <= 1
    assert abs(redis.expiretime("{ranking}:first:seen:0") - expiry_of(TODAY, ZONE)) <= 1


def test_events_of_days_long_past_leave_nothing(projection: Projection, redis: Redis) -> None:
    built(projection)
    apply(projection, Sale(1, TODAY - timedelta(days=90), ((7, 2),)))
    assert [key.decode() for key in redis.scan_iter("{ranking}:*")] == [STATE]


def test_a_writer_that_knows_another_state_does_nothing(projection: Projection) -> None:
    # Given a writer that read the state before a rebuild was swapped in
    built(projection)
    known = projection.state()
    projection.begin("second")
    with pytest.raises(Stale):
        projection.apply([Sale(1, TODAY, ((7, 2),))], known, "first", TODAY)
    projection.swap("second", {})
    # Then neither the live generation nor the deleted one got anything from it
    with pytest.raises(Stale):
        projection.apply([Sale(1, TODAY, ((7, 2),))], known, "first", TODAY)
    assert projection.best_sellers([TODAY], 5) == []
    assert projection.quantities("first", TODAY) == {}


def test_nothing_live_is_told_from_nothing_sold(projection: Projection) -> None:
    assert projection.best_sellers([TODAY], 5) is None
    built(projection)
    assert projection.best_sellers([TODAY], 5) == []


def test_a_swap_shows_the_new_generation_at_once_and_deletes_the_old(
    projection: Projection, redis: Redis
) -> None:
    # Given a live generation that is read, and one built beside it
    built(projection)
    apply(projection, Sale(1, TODAY, ((7, 2),)))
    assert projection.best_sellers([TODAY], 5) == [(7, 2)]
    state = projection.begin("second")
    projection.apply([Sale(2, TODAY, ((8, 1),))], state, "second", None)
    assert projection.best_sellers([TODAY], 5) == [(7, 2)]
    # When it is swapped in
    projection.swap("second", {"orders": 1})
    # Then it is what is read, nothing is left of the other, and the record tells of it
    assert projection.best_sellers([TODAY], 5) == [(8, 1)]
    assert not list(redis.scan_iter("{ranking}:first:*"))
    assert projection.state().record["orders"] == "1"


def test_one_builder_at_a_time_and_a_dead_one_is_replaced(
    projection: Projection, redis: Redis
) -> None:
    # Given a builder at work
    state = projection.begin("first")
    projection.apply([Sale(1, TODAY, ((7, 2),))], state, "first", None)
    with pytest.raises(Busy):
        projection.begin("second")
    # When it is silent for too long (its last word made old here)
    redis.hincrby(STATE, "beat", -BUILDER_SILENCE_SECONDS)
    projection.begin("second")
    # Then another takes its place, what it left is deleted, and it can do nothing more
    assert not list(redis.scan_iter("{ranking}:first:*"))
    with pytest.raises(Stale):
        projection.beat("first")
    with pytest.raises(Stale):
        projection.swap("first", {})
    with pytest.raises(Stale):
        projection.apply([Sale(1, TODAY, ((7, 2),))], state, "first", None)
    projection.beat("second")


def test_scripts_are_known_again_after_redis_forgot_them(
    projection: Projection, redis: Redis
) -> None:
    built(projection)
    apply(projection, Sale(1, TODAY, ((7, 2),)))
    redis.script_flush()
    apply(projection, Sale(2, TODAY, ((7, 1),)))
    redis.script_flush()
    assert projection.best_sellers([TODAY], 5) == [(7, 3)]
