"""Orders by HTTP: accepted, listed, and nobody else's to see."""

import threading
from typing import Any

import pytest
from redis import Redis

from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.market import balance, given_product, one, put_in_cart, select
from tests.support.shop import given_users, work
from tests.support.waiting import eventually


@pytest.fixture
def user(database: None) -> int:
    return given_users(100_000)[0]


def ordered(client: Client, redis: Redis, user: int) -> dict[str, Any]:
    """An order placed by HTTP, as its job's result tells it."""
    put_in_cart(user, {given_product(9, 1_000): 2})
    answer = client.user(user).post("/api/orders")
    assert answer.status_code == 202, answer.text
    work(redis)
    job: dict[str, Any] = client.user(user).get(answer.headers["Location"]).get_json()
    assert job["status"] == "succeeded", job
    order: dict[str, Any] = job["result"]
    return order


def test_an_order_needs_no_body(client: Client, redis: Redis, user: int) -> None:
    order = ordered(client, redis, user)
    assert client.user(user).get(f"/api/orders/{order['orderId']}").get_json() == order


def test_who_waits_gets_the_order_itself(client: Client, redis: Redis, user: int) -> None:
    put_in_cart(user, {given_product(9, 1_000): 2})
    # Given a client that waits for the end, and a worker
    answers: list[Any] = []
    waiting = threading.Thread(
        target=lambda: answers.append(
            client.user(user).post("/api/orders", {}, headers={"Prefer": "wait=20"})
        )
    )
    waiting.start()
    eventually(lambda: one("SELECT COUNT(*) FROM jobs"))
    work(redis)
    waiting.join(30)
    # Then the answer is 201 with the order and where it is found
    [answer] = answers
    order = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/orders/{order['orderId']}"
    assert answer.headers["Content-Location"] == answer.headers["Location"]
    assert order["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"couponId": "7"}, "/couponId"),
        ({"couponId": 0}, "/couponId"),
        ({"expectedTotal": -1}, "/expectedTotal"),
        ({"expectedTotal": 1.5}, "/expectedTotal"),
        ({"items": []}, "/items"),
    ],
)
def test_a_body_that_is_not_one(
    client: Client, user: int, body: dict[str, Any], pointer: str
) -> None:
    refused(client.user(user).post("/api/orders", body), 422, "COMMON001", pointer)
    assert one("SELECT COUNT(*) FROM jobs") == 0


def test_the_same_key_places_one_order(client: Client, redis: Redis, user: int) -> None:
    put_in_cart(user, {given_product(9, 1_000): 2})
    headers = {"Idempotency-Key": "once"}
    first = client.user(user).post("/api/orders", {}, headers=headers)
    again = client.user(user).post("/api/orders", {}, headers=headers)
    other = client.user(user).post("/api/orders", {"expectedTotal": 1}, headers=headers)
    assert first.get_json()["jobId"] == again.get_json()["jobId"]
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(other, 422, "COMMON006")
    work(redis)
    assert balance(user) == 98_000


def test_a_cancelled_order(client: Client, redis: Redis, user: int) -> None:
    order = ordered(client, redis, user)
    answer = client.user(user).post(f"/api/orders/{order['orderId']}/cancel")
    assert answer.status_code == 202
    work(redis)
    job = client.user(user).get(answer.headers["Location"]).get_json()
    assert job["result"] == {**order, "status": "CANCELLED"}
    assert balance(user) == 100_000


def test_a_strangers_order_does_not_exist(client: Client, redis: Redis, user: int) -> None:
    [stranger] = given_users(0)
    order = ordered(client, redis, user)
    path = f"/api/orders/{order['orderId']}"
    refused(client.user(stranger).get(path), 404, "O002")
    refused(client.user(stranger).post(f"{path}/cancel"), 404, "O002")
    refused(client.user(user).get("/api/orders/999999"), 404, "O002")
    refused(client.user(user).post("/api/orders/999999/cancel"), 404, "O002")
    refused(client.user(stranger).get(f"/api/orders?userId={user}"), 403, "COMMON003")
    refused(client.user(stranger).post(f"/api/orders?userId={user}"), 403, "COMMON003")
    refused(client.get(path), 401, "COMMON002")
    assert one("SELECT COUNT(*) FROM jobs") == 1


def test_an_admin_reaches_every_order(client: Client, redis: Redis, user: int) -> None:
    order = ordered(client, redis, user)
    path = f"/api/orders/{order['orderId']}"
    assert client.admin(77).get(path).get_json() == order
    shown = client.admin(77).get(f"/api/orders?userId={user}").get_json()
    assert shown["orders"] == [order]
    # And orders and cancels for the user, in the user's line
    assert client.admin(77).post(f"{path}/cancel").status_code == 202
    assert client.admin(77).post(f"/api/orders?userId={user}").status_code == 202
    assert select("SELECT user_id, concurrency_key FROM jobs WHERE caller_id = 77") == [
        (user, f"user:{user}")
    ] * 2


def test_pages_of_orders(client: Client, redis: Redis, user: int) -> None:
    # Given five orders, of which the second is cancelled
    orders = [ordered(client, redis, user) for _ in range(5)]
    client.user(user).post(f"/api/orders/{orders[1]['orderId']}/cancel")
    work(redis)

    def page(query: str) -> tuple[list[int], tuple[int, int, int]]:
        found = client.user(user).get(f"/api/orders{query}").get_json()
        assert found.keys() == {"orders", "pagination"}
        numbers = found["pagination"]
        return [order["orderId"] for order in found["orders"]], (
            numbers["currentPage"], numbers["totalPages"], numbers["totalCount"],
        )

    ids = [order["orderId"] for order in reversed(orders)]
    # Then they are listed newest first, page by page and by status
    assert page("") == (ids, (1, 1, 5))
    assert page("?limit=2") == (ids[:2], (1, 3, 5))
    assert page("?limit=2&page=3") == (ids[4:], (3, 3, 5))
    assert page("?limit=2&page=4") == ([], (4, 3, 5))
    assert page("?status=CANCELLED") == ([ids[3]], (1, 1, 1))
    assert page("?status=COMPLETED&limit=3") == ([*ids[:3]], (1, 2, 4))


@pytest.mark.parametrize(
    "query", ["?status=completed", "?page=0", "?page=x", "?limit=101", "?limit=0", "?sort=id"]
)
def test_a_page_that_there_cannot_be(client: Client, user: int, query: str) -> None:
    refused(client.user(user).get(f"/api/orders{query}"), 422, "COMMON001")


def test_nobody_has_no_orders(client: Client, user: int) -> None:
    found = client.user(user).get("/api/orders").get_json()
    assert found == {
        "orders": [], "pagination": {"currentPage": 1, "totalPages": 0, "totalCount": 0},
    }
