"""Commands to the end of their jobs: each client waits for its own (Prefer: wait)."""

from typing import Any

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.registry import scenario

WAIT = {"wait": 20}


def full_load(bench: Bench, record: Recorder, act: str, **plan: Any) -> float:
    """As fast as the clients get answers; jobs ended a second."""
    loaded = record.load(
        "full", act,
        **{"seconds": bench.options.seconds, "warm_up": bench.options.warm_up, "follow": True,
           **plan},
    )
    return loaded.ended_per_second


def half_load(bench: Bench, record: Recorder, act: str, full: float, **plan: Any) -> None:
    """Half as many requests a second, whatever becomes of them."""
    record.load(
        "half", act, rate=max(1.0, full / 2), seconds=bench.options.seconds,
        warm_up=bench.options.warm_up, follow=True, **plan,
    )


@scenario(
    "coupon", "52,000 unique users ask for one coupon, 200 clients; then at half the rate", "front"
)
def coupon(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(52_000, least=6_000)  # or a short load would end in its warm-up
    plan: dict[str, Any] = {"first_user": bench.users(users), "users": users, "clients": 200,
                            "total": users}
    full = full_load(bench, record, "coupon", arguments={"coupon_id": bench.coupon(users), **WAIT},
                     **plan)
    half_load(bench, record, "coupon", full,
              arguments={"coupon_id": bench.coupon(users), **WAIT}, **plan)


@scenario("sold-out", "100,000 requests for one of 100 coupons, 200 clients", "front")
def sold_out(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(52_000)
    first, coupon_id = bench.users(users), bench.coupon(100)
    plan: dict[str, Any] = {
        "first_user": first, "users": users, "clients": 200, "follow": True,
        "arguments": {"coupon_id": coupon_id, **WAIT}, "seconds": bench.options.seconds,
    }
    record.load("rush", "coupon", total=bench.options.sized(1_000, 300), **plan)
    before = record.last_job()
    record.load("late", "coupon", total=bench.options.sized(100_000), jobs=False, **plan)
    record.figure("late.jobs", record.last_job() - before)


def _charges(bench: Bench, record: Recorder, users: int) -> None:
    full_load(bench, record, "charge", first_user=bench.users(users), users=users, clients=100,
              arguments=WAIT)


@scenario("charge-10", "100 clients charge 10 users", "front")
def charge_few(bench: Bench, record: Recorder) -> None:
    _charges(bench, record, 10)


@scenario("charge-10000", "100 clients charge 10,000 users", "front")
def charge_many(bench: Bench, record: Recorder) -> None:
    _charges(bench, record, bench.options.sized(10_000))


def _orders(bench: Bench, record: Recorder, products: int) -> None:
    """A second crowd orders at half the rate: a cart can be bought once."""
    users = bench.options.enough(100_000)
    last_event = _last_event(bench)
    for part in ("full", "half"):
        made = bench.carts(users, products)
        plan: dict[str, Any] = {"first_user": made["users"]["first"], "users": users,
                                "total": users, "clients": 100, "arguments": WAIT}
        if part == "full":
            full = full_load(bench, record, "order", **plan)
            _take_lag(bench, record, last_event)
        else:
            half_load(bench, record, "order", full, **plan)


def _last_event(bench: Bench) -> int:
    return int(bench.stage.rows("SELECT COALESCE(MAX(id), 0) FROM outbox_events")[0][0])


def _take_lag(bench: Bench, record: Recorder, after: int) -> None:
    """From written to confirmed by Kafka and marked, of the events behind ``after``."""
    bench.stage.audit()  # waits until all are out
    found = bench.stage.rows(
        "SELECT TIMESTAMPDIFF(MICROSECOND, created_at, published_at) / 1000 FROM outbox_events "
        "WHERE id > %s AND published_at IS NOT NULL", (after,)
    )
    record.spread("relay.lag", [float(value) for (value,) in found])


@scenario(
    "order-random", "100,000 users buy carts of 3 random of 10 products, 100 clients; then at half "
    "the rate", "front"
)
def order_random(bench: Bench, record: Recorder) -> None:
    _orders(bench, record, 10)


@scenario("order-alike", "the same with carts of the same 3 products", "front")
def order_alike(bench: Bench, record: Recorder) -> None:
    _orders(bench, record, 3)


@scenario("lone", "one client orders now and then on an idle fleet")
def lone(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(300, 30)
    made = bench.carts(users)
    record.load(
        "lone", "order", first_user=made["users"]["first"], users=users, total=users, clients=1,
        think=0.05, seconds=bench.options.seconds, follow=True, arguments=WAIT,
    )
