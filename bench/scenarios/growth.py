"""What a request costs in a shop that has just opened, and in one with ten million rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.bench import Bench
from bench.record import Recorder, number
from bench.sampling import GENERATOR
from bench.scenarios.commands import WAIT
from bench.scenarios.registry import scenario
from bench.stage import Stage

ROWS = 10_000_000
ROWS_OF_AN_ORDER = 7
"""The order, its payment and its row of history; two lines on average, and their movements."""
JOBS_SHARE = 4
"""One row in so many is an ended job: one that failed, for such a job has no rows besides."""
RATE = 200
"""Requests a second, in both shops: what one costs depends on how many there are at once."""
CLIENTS = 20
NOT_THE_SHOP = frozenset({GENERATOR, "platform"})

_READS = {
    "list": ["/api/products?sort=price&limit=20", "/api/products?sort=popularity&limit=20"],
    "popular": ["/api/products/popular?days=3"],
    "own orders": ["/api/orders"],
    "own history": [],
    "own jobs": ["/api/jobs"],
}
_TABLES = (
    "users", "balance_history", "products", "stock_movements", "carts", "cart_items", "orders",
    "order_items", "payments", "jobs", "idempotency_keys", "user_coupons", "outbox_events",
    "order_exports",
)
_MORE_JOBS = (
    "INSERT INTO jobs (uuid, kind, user_id, caller_id, concurrency_key, status, payload, error, "
    "attempts, accepted_at, started_at, finished_at) "
    "SELECT UNHEX(LPAD(HEX(%s + ROW_NUMBER() OVER (ORDER BY id)), 32, '0')), "
    "'balance.charge', %s + id %% %s, 1, CONCAT('user:', %s + id %% %s), 'failed', "
    "'{\"v\":1,\"amount\":1000}', '{\"code\":\"PAY002\",\"status\":402}', 1, "
    "NOW(3), NOW(3), NOW(3) FROM jobs ORDER BY id LIMIT %s"
)


@scenario(
    "growth", "what commands and reads cost, 200 a second, in a shop that has just opened and in "
    "one with 10,000,000 rows; in services and a fleet of their own"
)
def growth(bench: Bench, record: Recorder) -> None:
    with _empty_shop(bench) as stage:
        shop = Recorder(stage, type(bench.loads)(stage), record.record)
        _play(bench, stage, shop, "warm-up", ("charge", "order"))  # Kafka's machine has a compiler
        first = stage.seed("--users", "100", "--products", "10")
        small = _look(bench, stage, shop, "small", first)
        _fill(stage, bench.options.sized(ROWS, least=20_000))
        large = _look(bench, stage, shop, "large", first)
    for name, cost in large.items():
        record.figure(f"{name}_ratio", cost / small[name])
    _tell(record, small, large)


def _tell(record: Recorder, small: dict[str, float], large: dict[str, float]) -> None:
    figures = record.record.figures

    def cells(name: str, part: str, cost: float) -> tuple[str, str]:
        return f"{cost:,.0f}", number(figures[f"{part} {name}.p50_ms"])

    record.listing(
        f"What a request costs with {figures['small.rows']:,.0f} rows, and with "
        f"{figures['large.rows']:,.0f} (CPU: of all of the shop's processes)",
        ("request", "CPU µs", "p50 ms", "then CPU µs", "then p50 ms", "CPU ratio"),
        [(name, *cells(name, "small", small[name]), *cells(name, "large", cost),
          f"{cost / small[name]:.2f}") for name, cost in large.items()],
    )


@contextmanager
def _empty_shop(bench: Bench) -> Iterator[Stage]:
    directory = bench.stage.directory
    stage = Stage(directory.with_name(f"{directory.name}-growth"))
    try:
        stage.start()
        yield stage
    finally:
        stage.end()


def _look(
    bench: Bench, stage: Stage, shop: Recorder, part: str, made: dict[str, Any]
) -> dict[str, float]:
    """The costs of each request, in µs. ``made``: users who have been there from the first."""
    costs = _play(bench, stage, shop, part, ("charge", "coupon", "order"))
    stage.settle()  # or its exports would be counted among what reads cost
    rows = sum(int(stage.rows(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in _TABLES)
    shop.figure(f"{part}.rows", rows)
    for name, paths in _READS.items():
        first = made["users"]["first"]
        own = [f"/api/users/{first + one}/balance/history" for one in range(100)]
        costs[name] = _cost(bench, shop, f"{part} {name}", "read", jobs=False, first_user=first,
                            users=100, arguments={"paths": paths or own})
    broken = [one["name"] for one in stage.audit()["invariants"] if one["status"] != "holds"]
    if broken:
        shop.wrong(f"{part}: {', '.join(broken)}")
    return costs


def _play(
    bench: Bench, stage: Stage, shop: Recorder, part: str, acts: tuple[str, ...]
) -> dict[str, float]:
    users = int(RATE * _seconds(bench)) + CLIENTS
    made = stage.seed("--users", str(users), "--products", "10", "--carts", "--coupon-quantity",
                      str(users))
    coupon = {"coupon_id": made["couponIds"][0]}
    return {
        act: _cost(
            bench, shop, f"{part} {act}", act, first_user=made["users"]["first"], users=users,
            total=users, follow=True, arguments={**WAIT, **(coupon if act == "coupon" else {})},
        )
        for act in acts
    }


def _cost(bench: Bench, shop: Recorder, part: str, act: str, **plan: Any) -> float:
    """Microseconds of CPU of all processes that a request needs, of the shop and its services."""
    seconds = _seconds(bench)
    loaded = shop.load(part, act, clients=CLIENTS, rate=RATE, seconds=seconds,
                       warm_up=seconds / 4, **plan)
    usage = shop.record.usage[part]
    percent = sum(use["cpuMean"] for kind, use in usage.items() if kind not in NOT_THE_SHOP)
    return 1e4 * percent / max(1.0, loaded.sent_per_second)


def _seconds(bench: Bench) -> float:
    return max(2.0, bench.options.seconds / 2)


def _fill(stage: Stage, rows: int) -> None:
    """Grow to so many rows: of orders for the most part, and of jobs."""
    orders = rows * (JOBS_SHARE - 1) // JOBS_SHARE // ROWS_OF_AN_ORDER
    users = max(100, orders // 10)
    seeded = stage.seed("--users", str(users), "--products", str(max(10, orders // 100)),
                        "--orders", str(orders))
    whose = (seeded["users"]["first"], users)  # not those whose reads are compared
    connection = stage.connect()
    try:
        with connection.cursor() as cursor:
            made, wanted = 0, rows // JOBS_SHARE
            while made < wanted:
                cursor.execute(_MORE_JOBS, (made, *whose, *whose, wanted - made))
                connection.commit()
                made += cursor.rowcount
    finally:
        connection.close()
