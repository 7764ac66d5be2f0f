"""The ranking beside the orders themselves: reading, rebuilding, comparing."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis

from domain.ranking import service, store
from domain.ranking.fallback import FromOrders
from domain.ranking.projection import STATE
from domain.ranking.rules import Sale, bounds_of, day_of, member, window
from infra.database import execute, rows, session
from infra.redis import connect
from tests.support import sales
from tests.support.sales import Order

pytestmark = pytest.mark.usefixtures("database", "redis")


@pytest.fixture(autouse=True)
def _no_kept_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_from_orders", FromOrders(service.MAX_LIMIT))


@pytest.fixture
def products() -> list[int]:
    return sales.given_products(12)


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's Redis is at a port where nothing listens."""
    nobody = connect("redis://127.0.0.1:1/0")
    monkeypatch.setattr(service, "redis", lambda: nobody)


def events(orders: list[Order]) -> list[Sale]:
    zone = service.zone()
    return [
        Sale(one.id, day_of(one.created_at, zone), one.lines, taken_back)
        for one in orders
        for taken_back in ([False, True] if one.cancelled else [False])
    ]


def from_orders(days: int, limit: int = 100) -> list[tuple[int, int]]:
    """The window as a plain query sees it, the query of the store left aside."""
    zone = service.zone()
    asked = window(day_of(sales.database_now(), zone), days)
    with session():
        found = rows(
            "SELECT product_id, SUM(quantity) FROM order_items WHERE order_id IN (SELECT id FROM "
            "orders WHERE cancelled_at IS NULL AND created_at BETWEEN %s AND %s) "
            "GROUP BY product_id",
            (bounds_of(asked[0], zone)[0], bounds_of(asked[-1], zone)[1]),
        )
    return sorted(((p, int(q)) for p, q in found), key=lambda one: (-one[1], one[0]))[:limit]


def shown(days: int, limit: int = 100) -> list[tuple[int, int]]:
    return [(one["productId"], one["salesCount"]) for one in service.popular(days, limit)]


def test_a_rebuilt_ranking_is_what_the_orders_say(products: list[int]) -> None:
    # Given orders of forty days, one in five cancelled
    orders = sales.some_orders(2500, products, days=40)
    sales.store_orders(orders)
    # When the ranking is built
    done = service.rebuild()
    # Then every window shows what the orders say, and there is no difference on any day
    for days in (1, 3, 7, 30):
        assert shown(days) == from_orders(days)
    assert service.drift() == []
    # And it tells from which orders it was built, and when
    status = service.status()
    assert status["live"] == done.generation
    assert (status["snapshotOrderId"], status["building"]) == ("2500", None)
    assert 1500 < int(status["orders"]) == done.orders < 2500
    assert status["builtAt"] >= status["snapshotAt"]


def test_shows_the_product_beside_its_count_with_ties_by_id(products: list[int]) -> None:
    now = sales.database_now()
    sales.store_orders([Order(1, now, ((5, 2), (4, 2), (9, 7)))])
    service.rebuild()
    assert service.popular(3, 2) == [
        {"rank": 1, "productId": 9, "name": "product 9", "price": 1009, "stock": 100,
         "category": "bags", "salesCount": 7},
        {"rank": 2, "productId": 4, "name": "product 4", "price": 1004, "stock": 100,
         "category": "bags", "salesCount": 2},
    ]


def test_without_a_ranking_the_orders_answer(products: list[int]) -> None:
    sales.store_orders(sales.some_orders(200, products))
    assert shown(3, 5) == from_orders(3, 5)
    assert len(shown(3, 5)) == 5


@pytest.mark.usefixtures("redis_away")
def test_with_redis_away_the_orders_answer_and_are_asked_once_a_second(
    products: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a built ranking in a Redis that is away, and a second that does not end meanwhile
    monkeypatch.setattr("domain.ranking.fallback._ANSWER_KEPT_SECONDS", 60.0)
    sales.store_orders(sales.some_orders(200, products))
    asked: list[int] = []
    query = store.best_sellers
    monkeypatch.setattr(
        store, "best_sellers", lambda *window: (asked.append(1), query(*window))[1]
    )
    # When many read at once
    answers: list[list[tuple[int, int]]] = []
    threads = [threading.Thread(target=lambda: answers.append(shown(3, 4))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then all have the orders' answer, from one query
    assert answers == [from_orders(3, 4)] * 8
    assert len(asked) == 1
    assert shown(3, 7) == from_orders(3, 7)
    assert len(asked) == 1
    # And another window is another query
    assert shown(1, 4) == from_orders(1, 4)
    assert len(asked) == 2


def test_events_that_come_again_after_a_rebuild_change_nothing(products: list[int]) -> None:
    # Given orders that are in the ranking by the rebuild, and new ones
    orders = sales.some_orders(300, products)
    sales.store_orders(orders)
    service.rebuild()
    newer = sales.some_orders(100, products, seed=2, first=301)
    sales.store_orders(newer)
    # When the events of all come, some twice, in parts
    coming = events(orders) + events(newer) + events(newer[:50])
    for start in range(0, len(coming), 70):
        service.count(coming[start : start + 70])
    # Then each counts once
    assert shown(30) == from_orders(30)
    assert service.drift() == []


def test_a_rebuild_while_events_flow_loses_and_doubles_nothing(products: list[int]) -> None:
    # Given a live ranking of some thousand orders
    old = sales.some_orders(3000, products, days=20)
    sales.store_orders(old)
    service.rebuild()
    first = service.status()["live"]
    # When orders and cancels are committed and their events come late, from two consumers, while
    # the ranking is rebuilt three times over
    stop, broken, created = threading.Event(), [], iter(range(10_000, 10**6))

    def shop(seed: int) -> None:
        late: list[Sale] = []
        try:
            while not stop.is_set():
                made = sales.some_orders(5, products, days=20, seed=seed, first=0)
                made = [replace(one, id=next(created)) for one in made]
                sales.store_orders([replace(one, cancelled=False) for one in made])
                for one in made:
                    if one.cancelled:
                        sales.cancel_order(one)
                late += events(made)
                if len(late) > 30:
                    service.count(late)
                    service.count(late[-10:])
                    late = []
                seed += 10
            service.count(late)
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=shop, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    swapped = [service.rebuild().generation for _ in range(3)]
    stop.set()
    for thread in threads:
        thread.join()
    # Then the ranking, swapped three times, is what the orders say
    assert not broken
    assert next(created) > 10_050
    assert service.status()["live"] == swapped[-1] != first
    assert service.drift() == []
    assert shown(30) == from_orders(30)


def test_after_redis_was_emptied_events_wait_for_the_rebuild(
    products: list[int], redis: Redis
) -> None:
    # Given a live ranking, emptied with all of Redis
    orders = sales.some_orders(200, products)
    sales.store_orders(orders)
    service.rebuild()
    redis.flushall()
    # When events come before anything was rebuilt
    newer = sales.some_orders(50, products, seed=3, first=201)
    sales.store_orders(newer)
    service.count(events(newer))
    # Then they leave no half of a ranking: the orders answer until it is whole again
    assert shown(3) == from_orders(3)
    assert not redis.keys("{ranking}:*")
    service.tend()
    assert service.status()["live"]
    assert service.drift() == []


def test_redis_emptied_during_a_rebuild_makes_nothing_live(
    products: list[int], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a rebuild in the middle of which Redis is emptied
    sales.store_orders(sales.some_orders(1500, products))
    query = store.orders_since

    def emptying(status: str, start: object) -> Iterator[object]:
        for number, chunk in enumerate(query(status, start)):  # type: ignore[arg-type]
            if (status, number) == ("COMPLETED", 1):
                redis.flushall()
            yield chunk

    monkeypatch.setattr(store, "orders_since", emptying)
    # Then it gives up
    with pytest.raises(service.Stale):
        service.rebuild()
    assert service.status()["live"] is None
    # And the next look brings a whole one
    monkeypatch.setattr(store, "orders_since", query)
    service.tend()
    assert service.drift() == []


def test_lost_writes_are_noticed_after_a_restart_of_redis(
    products: list[int], redis: Redis
) -> None:
    # Given a ranking from which Redis lost writes when it was killed and started again
    sales.store_orders(sales.some_orders(50, products))
    service.rebuild()
    today = day_of(sales.database_now(), service.zone())
    generation = service.status()["live"]
    redis.zincrby(f"{{ranking}}:{generation}:day:{today}", 2, member(3))
    lost = service.drift()
    assert [(one.day, one.product_id, one.orders - one.ranking) for one in lost] == [(today, 3, 2)]
    # When nothing tells of a restart, a look changes nothing
    service.tend()
    assert service.drift() == lost
    # When the server is another one than built it
    redis.hset(STATE, "server", "the process before")
    service.tend()
    # Then it was rebuilt
    assert service.drift() == []
    assert service.status()["live"] != generation


def test_a_restart_that_lost_nothing_needs_no_rebuild(products: list[int], redis: Redis) -> None:
    sales.store_orders(sales.some_orders(50, products))
    built = service.rebuild()
    redis.hset(STATE, "server", "the process before")
    service.tend()
    assert service.status()["live"] == built.generation
    assert service.status()["server"] == redis.info("server")["run_id"]


def test_a_look_leaves_another_builder_alone(redis: Redis) -> None:
    service._projection().begin("somebodys")
    service.tend()
    assert service.status()["building"] == "somebodys"


def test_a_rebuild_by_hand_may_wait_for_another(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given somebody who is rebuilding
    service._projection().begin("somebodys")
    with pytest.raises(service.Busy):
        service.rebuild()
    # When they are done, then the patient one begins
    done = threading.Timer(0.3, lambda: service._projection().swap("somebodys", {}))
    done.start()
    assert service.rebuild(patience=10).generation == service.status()["live"]
    done.join()


def test_the_fallback_reads_two_covering_indexes_and_no_table(products: list[int]) -> None:
    # Given orders of many months, of which a window asks for a few days
    orders = sales.some_orders(4000, products, days=120)
    sales.store_orders(orders)
    now = sales.database_now()
    with session():
        execute("ANALYZE TABLE orders, order_items")
        sales_of = store._SALES.replace("%s", "'%s'") % (now - timedelta(days=3), now)
        since = f"'{now - timedelta(days=30)}'"
        orders_since = store._ORDERS % ("'COMPLETED'", since, since, 0, 1000)
        # By name: MySQL 9's own format is a tree.
        plan = rows(f"EXPLAIN FORMAT=TRADITIONAL {sales_of}")
        replay = rows(f"EXPLAIN FORMAT=TRADITIONAL {orders_since}")
    # Then both steps are answered from their index alone, for the fallback and for the rebuild
    for steps in (plan, replay):
        text = [str(step) for step in steps]
        for table in ("o", "i"):
            [step] = [one for one in text if f"'{table}'" in one]
            assert "Using index" in step, text
            assert "ALL" not in step, text
        assert any("orders_by_status" in one for one in text)
        assert any("order_items_of_order" in one for one in text)
