"""The document's examples show what the shop answers: a shop's day, told and compared."""

from typing import Any

from redis import Redis
from werkzeug.test import TestResponse

from tests.support.client import Client
from tests.support.document import document_of
from tests.support.shop import work

COUPON = {
    "name": "Drop day", "discountType": "fixed", "discountValue": 5_000, "maxQuantity": 1_000,
    "minOrderAmount": 10_000, "startsAt": "2020-01-01T00:00:00.000Z",
    "expiresAt": "2099-01-01T00:00:00.000Z",
}
PRODUCT = {
    "name": "Drop hoodie", "price": 59_000, "stock": 120, "category": "clothes",
    "description": "Heavy cotton.", "maxPerUser": 2,
}


class Day:
    """Requests, and the answers that the document shows an example of."""

    def __init__(self, client: Client, redis: Redis) -> None:
        self._client, self._redis = client, redis
        self.answers: dict[str, Any] = {}

    def shown(self, name: str, answer: TestResponse) -> Any:
        """Keep an answer under its shape's name, and return its body."""
        assert answer.status_code in (200, 201, 202), answer.text
        self.answers[name] = answer.get_json()
        return self.answers[name]

    def done(self, user: int, path: str, body: Any = None) -> Any:
        """A command's job, at its end."""
        accepted = self._client.user(user).post(path, body)
        assert accepted.status_code == 202, accepted.text
        work(self._redis)
        job = self._client.user(user).get(accepted.headers["Location"]).get_json()
        assert job["status"] == "succeeded", job
        return job

    def live(self) -> None:
        """What README's reader does, and a little more."""
        client, admin = self._client, self._client.admin()
        user = self.shown("User", admin.post("/api/users", {"name": "Mina", "balance": 0}))
        me = user["userId"]
        product = self.shown("Product", admin.post("/api/products", PRODUCT))["productId"]
        coupon = self.shown("Coupon", admin.post("/api/coupons", COUPON))["couponId"]
        charge = {"amount": 200_000, "transactionId": "top-up-1"}
        self.answers["Charge"] = self.done(me, f"/api/users/{me}/balance/charge", charge)["result"]
        self.answers["IssuedCoupon"] = self.done(me, f"/api/coupons/{coupon}/issue")["result"]
        item = {"productId": product, "quantity": 2}
        self.shown("CartItem", client.user(me).post("/api/cart/items", item))
        self.shown("Cart", client.user(me).get("/api/cart"))
        check = {"couponId": coupon, "orderAmount": 118_000}
        self.shown("CouponValidation", client.user(me).post("/api/coupons/validate", check))
        self.answers["Job"] = self.done(me, "/api/orders", {"couponId": coupon})
        self.answers["Order"] = self.answers["Job"]["result"]
        self.look(me, product)

    def look(self, me: int, product: int) -> None:
        client, admin = self._client, self._client.admin()
        for name, path in {
            "OrderList": "/api/orders", "JobList": "/api/jobs?kind=order.place",
            "UserCouponList": f"/api/users/{me}/coupons", "Balance": f"/api/users/{me}/balance",
            "BalanceHistory": f"/api/users/{me}/balance/history?limit=2",
            "CouponList": "/api/coupons", "ProductList": "/api/products",
            "Stock": f"/api/products/{product}/stock", "Alive": "/healthz", "Readiness": "/readyz",
        }.items():
            self.shown(name, client.user(me).get(path))
        self.answers["PopularProduct"] = client.get("/api/products/popular").get_json()[0]
        restock = admin.post(f"/api/products/{product}/restock", {"quantity": 50})
        self.shown("Restock", restock)


def form(value: Any) -> Any:
    """The members of a value, down to the last; a list counts by its first element."""
    if isinstance(value, dict):
        return {name: form(one) for name, one in value.items()}
    if isinstance(value, list):
        return [form(one) for one in value[:1]]
    return None


def test_examples_have_the_members_of_real_answers(client: Client, redis: Redis) -> None:
    day = Day(client, redis)
    day.live()
    schemas = document_of(client.app).told["components"]["schemas"]
    for name, answer in day.answers.items():
        assert form(schemas[name]["examples"][0]) == form(answer), name


def test_example_bodies_are_taken(client: Client) -> None:
    schemas = document_of(client.app).told["components"]["schemas"]

    def send(method: str, path: str, name: str, **real: int) -> TestResponse:
        """The example of a body, with the ids that there are here."""
        body = {**schemas[name]["examples"][0], **real}
        answer = client.admin(user).call(method, path, json=body)
        assert answer.status_code in (200, 201, 202), (name, answer.text)
        return answer

    user = 1
    user = send("POST", "/api/users", "UserBody").get_json()["userId"]
    product = send("POST", "/api/products", "ProductBody").get_json()["productId"]
    coupon = send("POST", "/api/coupons", "CouponBody").get_json()["couponId"]
    send("PATCH", f"/api/products/{product}", "ProductChange")
    send("POST", f"/api/products/{product}/restock", "RestockBody")
    send("PATCH", f"/api/coupons/{coupon}", "CouponChange")
    send("POST", f"/api/users/{user}/balance/charge", "ChargeBody")
    item = send("POST", "/api/cart/items", "ItemBody", productId=product)
    send("PATCH", item.headers["Location"], "QuantityBody")
    send("POST", "/api/orders", "OrderBody", couponId=coupon)
