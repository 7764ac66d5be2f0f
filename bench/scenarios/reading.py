"""What people look at, beside large tables."""

from typing import Any

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.registry import scenario

RATE = 200
_READS = {
    "popular": ["/api/products/popular?days=3&limit=5"],
    "list": ["/api/products?sort=price&limit=20", "/api/products?sort=newest&limit=20",
             "/api/products?sort=popularity&limit=20"],
    "detail": [],
    "cart": ["/api/cart"],
    "orders": ["/api/orders"],
}


@scenario(
    "browse", "popular products, list, detail, cart and own orders, each at 200/s, on 100,000 "
    "users, 10,000 products and 1,000,000 orders"
)
def browse(bench: Bench, record: Recorder) -> None:
    users, products = bench.options.sized(100_000), bench.options.sized(10_000)
    made = bench.shop()
    for name, paths in _READS.items():
        _read(bench, record, name, paths or _details(made, products), made, users)


def _details(made: dict[str, Any], products: int) -> list[str]:
    first = made["products"]["first"]
    return [f"/api/products/{first + number}" for number in range(0, products, 7)]


def _read(
    bench: Bench, record: Recorder, name: str, paths: list[str], made: dict[str, Any], users: int
) -> None:
    seconds = max(3.0, bench.options.seconds / 2)
    record.load(
        name, "read", jobs=False, first_user=made["users"]["first"], users=users, clients=50,
        rate=RATE, seconds=seconds, warm_up=min(1.0, seconds / 4), arguments={"paths": paths},
    )
