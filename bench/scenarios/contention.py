"""Where everybody wants the same, and where nobody does: batch sizes and waits tell them apart."""

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.commands import WAIT, full_load
from bench.scenarios.registry import scenario

ENOUGH_SECONDS = 600
"""For 100,000 requests: the load ends with the last of them."""


@scenario("hot-product", "1,000 users buy one product with 500 in stock, 100 clients")
def hot_product(bench: Bench, record: Recorder) -> None:
    count = 1_000
    made = bench.stage.seed("--users", str(count))
    product = bench.stage.call(
        "POST", "/api/products", {"name": "In short supply", "price": 1_000, "stock": count // 2}
    )["productId"]
    first = made["users"]["first"]
    bench.loads.run("cart", first_user=first, users=count, total=count, clients=20, seconds=60,
                    arguments={"product_id": product})
    full_load(bench, record, "order", first_user=first, users=count, total=count, clients=100,
              seconds=60, warm_up=0, arguments=WAIT)
    left = bench.stage.rows("SELECT stock FROM products WHERE id = %s", (product,))[0][0]
    refused = record.record.refusals["full"].get("P002", 0)
    record.figure("full.stock_left", left)
    record.figure("full.refused", refused)


@scenario("hot-coupon", "unique users, one coupon, 100 clients")
def hot_coupon(bench: Bench, record: Recorder) -> None:
    users = bench.options.enough(52_000)
    full_load(bench, record, "coupon", first_user=bench.users(users), users=users, total=users,
              clients=100, arguments={"coupon_id": bench.coupon(users), **WAIT})


@scenario("hot-user", "100 clients charge one user")
def hot_user(bench: Bench, record: Recorder) -> None:
    full_load(bench, record, "charge", first_user=bench.users(1), users=1, clients=100,
              arguments=WAIT)


@scenario("many-keys", "100 clients charge 100,000 users once each")
def many_keys(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(100_000)
    full_load(bench, record, "charge", first_user=bench.users(users), users=users, total=users,
              clients=100, seconds=ENOUGH_SECONDS, arguments=WAIT)
