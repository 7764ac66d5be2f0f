"""Every read of the API, one after another: who asks, for what, and how long it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.commands import WAIT
from bench.scenarios.registry import scenario

RATE = 100
READERS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of what there is to read. Those of users stand in the order of the users."""

    users: Sequence[int]
    products: Sequence[int]
    orders: Sequence[int]
    cart_items: Sequence[int]
    jobs: Sequence[str]
    user_coupons: Sequence[int]
    coupon: int


def _each(path: str, ids: Callable[[Found], Sequence[object]]) -> Callable[[Found], list[str]]:
    return lambda found: [path.format(one) for one in ids(found)]


def _only(*paths: str) -> Callable[[Found], list[str]]:
    return lambda _: list(paths)


READS: dict[str, Callable[[Found], list[str]]] = {
    "/api/products": _only(*(f"/api/products?sort={sort}&limit=20"
                             for sort in ("price", "newest", "popularity"))),
    "/api/products/popular": _only(*(f"/api/products/popular?days={days}" for days in (1, 3, 30))),
    "/api/products/{productId}": _each("/api/products/{}", lambda found: found.products),
    "/api/products/{productId}/stock": _each(
        "/api/products/{}/stock", lambda found: found.products
    ),
    "/api/coupons": _only("/api/coupons"),
    "/api/coupons/{couponId}": _each("/api/coupons/{}", lambda found: [found.coupon]),
    "/api/cart": _only("/api/cart"),
    "/api/cart/items/{itemId}": _each("/api/cart/items/{}", lambda found: found.cart_items),
    "/api/orders": _only("/api/orders"),
    "/api/orders/{orderId}": _each("/api/orders/{}", lambda found: found.orders),
    "/api/users/{userId}": _each("/api/users/{}", lambda found: found.users),
    "/api/users/{userId}/balance": _each("/api/users/{}/balance", lambda found: found.users),
    "/api/users/{userId}/balance/history": _each(
        "/api/users/{}/balance/history", lambda found: found.users
    ),
    "/api/users/{userId}/coupons": _each("/api/users/{}/coupons", lambda found: found.users),
    "/api/user-coupons/{userCouponId}": _each(
        "/api/user-coupons/{}", lambda found: found.user_coupons
    ),
    "/api/jobs": _only("/api/jobs"),
    "/api/jobs/{jobId}": _each("/api/jobs/{}", lambda found: found.jobs),
}
"""By their paths in the OpenAPI document; a test holds the two together."""

ADMINS_READS: dict[str, Callable[[Found], list[str]]] = {
    "/api/admin/orders/{orderId}/sync-status": _each(
        "/api/admin/orders/{}/sync-status", lambda found: found.orders
    ),
    "/api/admin/outbox": _only("/api/admin/outbox", "/api/admin/outbox?status=published"),
    "/api/admin/jobs": _only("/api/admin/jobs"),
    "/api/admin/audit-log": _only("/api/admin/audit-log"),
    "/api/admin/controls": _only("/api/admin/controls"),
}


@scenario(
    "reads", "every GET of the API, one after another, at 100/s, on 100,000 users, 10,000 products "
    "and 1,000,000 orders"
)
def reads(bench: Bench, record: Recorder) -> None:
    found = _find(bench, record)
    for admin, operations in ((False, READS), (True, ADMINS_READS)):
        for operation, paths in operations.items():
            record.load(
                operation, "read", jobs=False, first_user=found.users[0], users=len(found.users),
                clients=20, rate=RATE, seconds=max(2.0, bench.options.seconds / 4), warm_up=0.5,
                admin=admin, arguments={"paths": paths(found)},
            )


def _find(bench: Bench, record: Recorder) -> Found:
    """Some of the shop's users get a coupon first, so that each has a job."""
    made = bench.shop()
    first, count = made["users"]["first"], bench.options.sized(READERS, 20)
    coupon = bench.coupon(count)
    record.take("coupons", bench.loads.run(
        "coupon", first_user=first, users=count, total=count, clients=20, seconds=60.0,
        follow=True, arguments={"coupon_id": coupon, **WAIT},
    ))
    last = first + count - 1

    def of_users(sql: str) -> list[int]:
        return [int(one) for (one,) in bench.stage.rows(sql, (first, last))]

    each = "WHERE user_id BETWEEN %s AND %s GROUP BY user_id ORDER BY user_id"
    jobs = bench.stage.rows(f"SELECT MAX(uuid) FROM jobs {each}", (first, last))
    products = made["products"]["first"]
    return Found(
        users=range(first, last + 1),
        products=range(products, made["products"]["last"] + 1, 7),
        orders=of_users(f"SELECT MIN(id) FROM orders {each}"),
        cart_items=of_users(
            "SELECT MIN(id) FROM cart_items WHERE cart_id BETWEEN %s AND %s GROUP BY cart_id "
            "ORDER BY cart_id"
        ),
        jobs=[str(UUID(bytes=one)) for (one,) in jobs],
        user_coupons=of_users(f"SELECT MIN(id) FROM user_coupons {each}"),
        coupon=coupon,
    )
