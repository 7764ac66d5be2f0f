"""Accepting alone: the workers leave the jobs until the load is over, and then do them all."""

from typing import Any

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.registry import scenario

CLIENTS = 100
USERS = 10_000


def _accept(
    bench: Bench, record: Recorder, act: str, first_user: int, users: int, **plan: Any
) -> None:
    bench.stage.set_working(False)
    try:
        record.load(
            "accept", act, jobs=False, first_user=first_user, users=users, clients=CLIENTS,
            seconds=bench.options.seconds, warm_up=bench.options.warm_up, **plan,
        )
    finally:
        bench.stage.set_working(True)


@scenario("accept-coupon", "100 clients ask for one coupon, as unique users; nobody works", "front")
def accept_coupon(bench: Bench, record: Recorder) -> None:
    users = bench.options.enough(100_000)
    _accept(bench, record, "coupon", bench.users(users), users, total=users,
            arguments={"coupon_id": bench.coupon(users)})


@scenario("accept-charge", "100 clients charge 10,000 users; nobody works", "front")
def accept_charge(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(USERS)
    _accept(bench, record, "charge", bench.users(users), users)


@scenario("accept-order", "100 clients order as users with full carts; nobody works", "front")
def accept_order(bench: Bench, record: Recorder) -> None:
    users = bench.options.enough(100_000)
    made = bench.carts(users)
    _accept(bench, record, "order", made["users"]["first"], users, total=users)


@scenario("accept-cancel", "100 clients cancel an order each; nobody works", "front")
def accept_cancel(bench: Bench, record: Recorder) -> None:
    orders = bench.options.enough(100_000)
    users = min(orders, bench.options.sized(USERS))
    made = bench.stage.seed("--users", str(users), "--products", "100", "--orders", str(orders))
    _accept(bench, record, "cancel", made["users"]["first"], users, total=orders,
            arguments={"first_order": made["orders"]["first"]})
