"""Seeding: what it makes, that audit holds afterwards, and that it may be interrupted."""

from collections import Counter
from datetime import timedelta

import orjson
import pytest
from redis import Redis

from audit import audit
from commands.seeding import Made, Plan, insertion, seed, seed_demo
from domain.cart import service as carts
from domain.coupons import issue
from domain.jobs.kinds import Status
from domain.orders import place
from domain.ranking import service as ranking
from infra.database import now, rows, session
from infra.settings import settings
from tests.support.cli import run
from tests.support.shop import accepted, jobs, work
from tests.support.topics import empty_topics


def quietly(plan: Plan) -> Made:
    return seed(plan, lambda *_: lambda _: None)


def ask(sql: str) -> list[tuple[object, ...]]:
    with session():
        return rows(sql)


def assert_sound() -> None:
    """Every invariant holds, those that are seen in Kafka and Redis among them."""
    ranking.rebuild()
    report = audit(settings())
    assert report.exit_code == 0, orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2)


@pytest.fixture(autouse=True)
def _nothing_there(database: None, redis: Redis) -> None:
    empty_topics()


def test_the_demo_shop_is_made_once() -> None:
    # When it is asked for twice
    first, second = run("seed", "--demo", "--json"), run("seed", "--demo", "--json")
    # Then it was made once, with the ids that the README counts on
    made = orjson.loads(first.stdout)
    assert made["users"] == {"first": 1, "last": 5, "count": 5}
    assert made["products"] == {"first": 1, "last": 12, "count": 12}
    assert made["couponIds"] == [1, 2, 3]
    assert orjson.loads(second.stdout)["users"] is None
    assert "already" in second.stderr
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert ask("SELECT COUNT(*) FROM users") == [(5,)]
    assert_sound()


def test_the_demo_shop_leaves_a_shop_in_use_alone() -> None:
    quietly(Plan(users=1))
    assert seed_demo() is None
    assert ask("SELECT COUNT(*) FROM users") == [(1,)]


def test_the_first_coupon_and_the_first_order_work_right_away(redis: Redis) -> None:
    # Given the demo shop
    seed_demo()
    # When user 1 takes coupon 1, and orders what is in the cart with it
    [got] = accepted(issue.command(1, 1, 1))
    work(redis)
    [bought] = accepted(place.command(1, 1, coupon_id=1))
    work(redis)
    # Then both have worked
    for job in jobs([got, bought]):
        assert job.status == Status.SUCCEEDED, job.error
    order = orjson.loads(jobs([bought])[0].result or "")
    assert order["totalAmount"] - order["finalAmount"] == 5_000
    # And user 2's cart can be bought too, and the drop has not begun
    assert carts.contents(2)["items"]
    [ordered] = accepted(place.command(2, 2))
    work(redis)
    assert jobs([ordered])[0].status == Status.SUCCEEDED


def test_bulk_rows_are_sound_and_as_many_as_asked_for() -> None:
    # When some of everything is made
    words = "seed --users 30 --products 12 --orders 250 --carts --coupon-quantity 9 --json"
    done = run(*words.split())
    # Then the line of JSON names what there is
    made = orjson.loads(done.stdout)
    assert {name: made[name]["count"] for name in ("users", "products", "orders")} == {
        "users": 30, "products": 12, "orders": 250,
    }
    for table in ("users", "products", "orders"):
        span = made[table]
        assert ask(f"SELECT MIN(id), MAX(id), COUNT(*) FROM {table}") == [
            (span["first"], span["last"], span["count"])
        ]
    [coupon_id] = made["couponIds"]
    assert ask(f"SELECT max_quantity FROM coupons WHERE id = {coupon_id}") == [(9,)]
    # And every invariant holds; the ranking was rebuilt
    report = audit(settings())
    assert report.exit_code == 0, report.as_json()
    assert report.findings[6].examined["rankedProducts"] > 0


def test_carts_hold_three_of_the_ten_first_products() -> None:
    made = quietly(Plan(users=40, products=12, carts=True))
    assert made.carts == 40
    assert made.products
    lines = ask("SELECT cart_id, product_id, quantity FROM cart_items")
    assert set(Counter(cart_id for cart_id, _, _ in lines).values()) == {3}
    assert len({(cart_id, product_id) for cart_id, product_id, _ in lines}) == 120
    first = made.products.first
    assert {product_id for _, product_id, _ in lines} == set(range(first, first + 10))


def test_carts_take_the_shops_own_products_if_none_are_made() -> None:
    seed_demo()
    made = quietly(Plan(users=3, carts=True))
    assert made.users
    held = ask(f"SELECT product_id FROM cart_items WHERE cart_id >= {made.users.first}")
    assert len(held) == 9
    assert {product_id for (product_id,) in held} <= set(range(1, 11))


def test_orders_are_spread_over_the_last_thirty_days_and_have_no_job() -> None:
    quietly(Plan(users=5, products=5, orders=90))
    with session():
        today = now()
        found = rows("SELECT created_at, job_id FROM orders ORDER BY id")
    times = [created_at for created_at, _ in found]
    assert times == sorted(times)
    assert timedelta(days=29) < today - times[0] <= timedelta(days=30, minutes=1)
    assert today - times[-1] < timedelta(days=1)
    assert {job_id for _, job_id in found} == {None}
    assert ask("SELECT COUNT(*) FROM outbox_events") == [(0,)]


def test_the_same_seed_makes_the_same_choices() -> None:
    def choices() -> object:
        made = quietly(Plan(users=4, products=6, orders=20, carts=True, seed=7))
        assert made.orders
        assert made.users
        assert made.products
        first = made.products.first
        lines = ask(
            f"SELECT order_id - {made.orders.first}, product_id - {first}, quantity, price "
            f"FROM order_items WHERE order_id >= {made.orders.first} ORDER BY id"
        )
        baskets = ask(
            f"SELECT cart_id - {made.users.first}, product_id - {first} FROM cart_items "
            f"WHERE cart_id >= {made.users.first} ORDER BY id"
        )
        return lines, baskets

    assert choices() == choices()


def test_an_interrupted_seeding_leaves_a_sound_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given chunks of ten, and an operator who stops it in the middle of the orders
    monkeypatch.setattr(insertion, "CHUNK", 10)
    monkeypatch.setattr("commands.seeding.orders.CHUNK", 10)

    class Stopped(Exception):
        pass

    def phase(name: str, _: int) -> insertion.Advance:
        def advance(_: int) -> None:
            if name == "orders" and ask("SELECT COUNT(*) FROM orders") >= [(20,)]:
                raise Stopped

        return advance

    # When it is stopped
    with pytest.raises(Stopped):
        seed(Plan(users=15, products=3, orders=50), phase)
    # Then what is there is less than asked for, and nothing is wrong with it
    assert ask("SELECT COUNT(*) FROM orders") == [(20,)]
    assert_sound()
