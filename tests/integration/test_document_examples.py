"""The document's examples are a shop's day: its bodies are sent, and its answers compared."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from domain.exports import service as exports
from infra.database import execute, rows, session
from tests.support.client import Client
from tests.support.document import document_of
from tests.support.failing import fail
from tests.support.shop import work

VARYING = re.compile(
    r"(id|.*Id|.*At|nextCursor|target|self|cancel|state)"  # of another shop, or another moment
)


def differences(example: Any, real: Any, name: str = "") -> Iterator[str]:
    """Where an answer has other members, types or values than its example; of what varies the type
    counts, and of lists the first element."""
    if type(example) is not type(real):
        yield f"{name}: {example!r} is not of the type of {real!r}"
    elif isinstance(example, dict):
        if example.keys() != real.keys():
            yield f"{name}: {sorted(example)} are not the members {sorted(real)}"
        for key in example.keys() & real.keys():
            yield from differences(example[key], real[key], key)
    elif isinstance(example, list):
        if bool(example) != bool(real):
            yield f"{name}: {example} is not as full as {real}"
        for one, other in zip(example[:1], real[:1], strict=False):
            yield from differences(one, other, name)
    elif example != real and not VARYING.fullmatch(name):
        yield f"{name}: {example!r} is not {real!r}"


class Day:
    """Requests whose bodies are the document's examples, and answers compared with them."""

    def __init__(self, client: Client, redis: Redis) -> None:
        self.client, self.redis = client, redis
        self.schemas: dict[str, Any] = document_of(client.app).told["components"]["schemas"]
        self.sent: set[str] = set()
        self.shown: set[str] = set()
        self.wrong: list[str] = []

    def compare(self, shape: str, real: Any, which: int = 0) -> None:
        self.shown.add(shape)
        example = self.schemas[shape]["examples"][which]
        self.wrong += [f"{shape}.{one}" for one in differences(example, real)]

    def show(self, shape: str, answer: TestResponse, which: int = 0) -> Any:
        """An answer's body, which is to be as the example of its shape says."""
        assert answer.status_code in (200, 201, 202), (shape, answer.text)
        self.compare(shape, answer.get_json(), which)
        return answer.get_json()

    def send(
        self, caller: Client, call: str, body: str, shape: str | None = None, **real: Any
    ) -> TestResponse:
        """Send the example of a body, with the ids that there are here."""
        method, path = call.split()
        self.sent.add(body)
        json = {**self.schemas[body]["examples"][0], **real}
        answer = caller.call(method, path, json=json)
        assert answer.status_code in (200, 201, 202, 204), (body, answer.text)
        if shape is not None:
            self.show(shape, answer)
        return answer

    def done(self, caller: Client, accepted: TestResponse) -> Any:
        """The job of a 202, at its end."""
        work(self.redis)
        job = caller.get(accepted.headers["Location"]).get_json()
        assert job["status"] == "succeeded", job
        return job

    def live(self) -> None:
        admin = self.client.admin(9)
        made = self.send(admin, "POST /api/users", "UserBody", "User").get_json()["userId"]
        user = self.client.user(made)
        admin.post("/api/products", {"name": "Tea", "price": 5, "stock": 5})
        product = self.send(admin, "POST /api/products", "ProductBody").get_json()["productId"]
        coupon = self.send(
            admin, "POST /api/coupons", "CouponBody", startsAt="2020-01-01T00:00:00.000Z"
        ).get_json()["couponId"]
        self.buy(user, made, product, coupon)
        self.look(user, made, product)
        self.operate(admin, user)
        self.change(admin, user, product, coupon)

    def buy(self, user: Client, me: int, product: int, coupon: int) -> None:
        charged = self.send(user, f"POST /api/users/{me}/balance/charge", "ChargeBody")
        self.compare("Charge", self.done(user, charged)["result"])
        self.show("Balance", user.get(f"/api/users/{me}/balance"))
        history = self.show("BalanceHistory", user.get(f"/api/users/{me}/balance/history"))
        self.compare("BalanceMovement", history["history"][0])
        issued = self.done(user, user.post(f"/api/coupons/{coupon}/issue"))
        self.compare("IssuedCoupon", issued["result"])
        self.send(user, "POST /api/cart/items", "ItemBody", "CartItem", productId=product)
        self.show("Cart", user.get("/api/cart"))
        self.send(user, "POST /api/coupons/validate", "ValidationBody", "CouponValidation",
                  couponId=coupon)
        ordered = self.send(user, "POST /api/orders", "OrderBody", couponId=coupon)
        self.show("Job", user.get(ordered.headers["Location"]), which=1)
        job = self.done(user, ordered)
        self.compare("Job", job)
        self.compare("Order", job["result"])

    def look(self, user: Client, me: int, product: int) -> None:
        [held] = user.get(f"/api/users/{me}/coupons").get_json()["coupons"]
        for shape, path in {
            "OrderList": "/api/orders", "JobList": "/api/jobs?kind=order.place",
            "CouponList": "/api/coupons", "Coupon": f"/api/coupons/{held['couponId']}",
            "UserCouponList": f"/api/users/{me}/coupons",
            "UserCoupon": f"/api/user-coupons/{held['userCouponId']}",
            "Product": f"/api/products/{product}", "Stock": f"/api/products/{product}/stock",
            "Alive": "/healthz", "Readiness": "/readyz",
        }.items():
            self.show(shape, user.get(path))
        listed = self.show("ProductList", user.get("/api/products?sort=newest&limit=1"))
        self.compare("ListedProduct", listed["products"][0])
        popular = user.get("/api/products/popular").get_json()
        self.compare("PopularProduct", popular[0])

    def operate(self, admin: Client, user: Client) -> None:
        """What operators see of it: the order exported, the day's events dead, a job failed."""
        order = user.get("/api/orders").get_json()["orders"][0]["orderId"]
        _export(order)
        self.show("SyncStatus", admin.get(f"/api/admin/orders/{order}/sync-status"))
        _kill_events()
        dead = self.show("OutboxEventList", admin.get("/api/admin/outbox?status=dead"))
        self.compare("OutboxEvent", dead["events"][0])
        self.show("Redriven", admin.post("/api/admin/outbox/redrive"))
        fail(UUID(user.post("/api/orders", {}).get_json()["jobId"]))
        with session():
            execute("UPDATE jobs SET attempts = 6 WHERE status = 'failed'")
        failed = self.show("FailedJobPage", admin.get("/api/admin/jobs?status=failed"))
        self.compare("FailedJob", failed["jobs"][0])
        path = "/api/admin/controls"
        self.send(admin, f"PUT {path}/lane.users.paused", "ControlBody", "Control")
        self.show("ControlList", admin.get(path))
        self.send(admin, f"PUT {path}/lane.users.paused", "ControlBody", value=False)

    def change(self, admin: Client, user: Client, product: int, coupon: int) -> None:
        path = f"/api/products/{product}"
        self.send(admin, f"POST {path}/restock", "RestockBody", "Restock")
        acts = self.show("ActPage", admin.get("/api/admin/audit-log?action=product.restock"))
        self.compare("Act", acts["acts"][0])
        self.send(user, f"PUT {path}/restock-notification", "NotificationBody")
        self.send(admin, f"PATCH {path}", "ProductChange")
        self.send(admin, f"PATCH /api/coupons/{coupon}", "CouponChange")
        item = self.send(user, "POST /api/cart/items", "ItemBody", productId=product)
        self.send(user, f"PATCH {item.headers['Location']}", "QuantityBody")


def _export(order: int) -> None:
    """The order's event comes from Kafka, and the data platform takes it at the first call."""
    with session():
        [(event, payload)] = rows(
            "SELECT event_id, payload FROM outbox_events WHERE type = 'order.completed'"
        )
    exports.arrive([exports.Arrival(UUID(bytes=event), order, "order.completed", payload)])
    with session():
        execute(
            "UPDATE order_exports SET status = 'synced', synced_at = NOW(3), attempts = 1, "
            "pending_order_id = NULL"
        )


def _kill_events() -> None:
    with session():
        execute(
            "UPDATE outbox_events SET status = 'dead', dead_at = NOW(3), pending_shard = NULL, "
            "attempts = 5, last_error = 'MSG_SIZE_TOO_LARGE'"
        )


@pytest.fixture
def day(client: Client, redis: Redis) -> Day:
    lived = Day(client, redis)
    lived.live()
    return lived


def test_answers_are_as_the_examples_show_and_their_bodies_are_taken(day: Day) -> None:
    assert day.wrong == []


def test_every_example_was_sent_or_compared(day: Day) -> None:
    have = {name for name, schema in day.schemas.items() if schema.get("examples")}
    assert have == day.sent | day.shown
