"""Throughput and latency over load: the same commands by ever more clients."""

from typing import Any

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.commands import WAIT
from bench.scenarios.registry import scenario

CLIENTS = (1, 4, 16, 50, 100, 200)
ACTS = ("coupon", "charge", "order")


@scenario("curves", "coupons, charges and orders by 1 to 200 clients, for the pictures")
def curves(bench: Bench, record: Recorder) -> None:
    seconds = max(2.0, bench.options.seconds / 2)
    for act in ACTS:
        for clients in CLIENTS:
            record.load(
                f"{act}@{clients}", act, clients=clients, seconds=seconds,
                warm_up=min(1.0, seconds / 4), follow=True,
                **_crowd(bench, act, min(int(seconds * 4_000), clients * 1_000)),
            )


def _crowd(bench: Bench, act: str, users: int) -> dict[str, Any]:
    """Users who have not done it yet, as many as can be needed."""
    if act == "order":
        first = bench.carts(users)["users"]["first"]
        return {"first_user": first, "users": users, "total": users, "arguments": WAIT}
    first = bench.users(users)
    if act == "charge":
        return {"first_user": first, "users": users, "arguments": WAIT}
    arguments = {"coupon_id": bench.coupon(users), **WAIT}
    return {"first_user": first, "users": users, "total": users, "arguments": arguments}
