"""Coupons by HTTP: listed, asked for and held."""

from datetime import timedelta

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.drop import ask, change, make
from tests.support.market import given_coupon, select
from tests.support.shop import given_users, work


@pytest.fixture
def user(database: None) -> int:
    return given_users(100_000)[0]


def test_coupons_that_are_not_there(client: Client, user: int) -> None:
    refused(change(client, 999, {"paused": True}), 404, "C002")
    refused(client.get("/api/coupons/999"), 404, "C002")
    refused(client.user(user).post("/api/coupons/999/issue"), 404, "C002")
    refused(client.user(user).get("/api/user-coupons/999"), 404, "C002")


def test_the_list_holds_what_can_be_had_now_or_soon(
    client: Client, redis: Redis, user: int
) -> None:
    # Given coupons of every standing
    hour = timedelta(hours=1)
    later, soon, now_ = (
        given_coupon(5, expires=3 * hour), given_coupon(5, opens=hour, expires=2 * hour),
        given_coupon(5, expires=hour),
    )
    sold_out, expired = given_coupon(1), given_coupon(5, expires=-hour)
    ask(client, redis, user, sold_out)

    def listed(query: str = "") -> list[int]:
        found = client.get(f"/api/coupons{query}").get_json()
        ids = [coupon["couponId"] for coupon in found["coupons"]]
        if found["nextCursor"]:
            ids += listed(f"?limit=1&cursor={found['nextCursor']}")
        return ids

    # Then the list has those that can be had, the first to expire first, however it is paged
    assert listed() == listed("?limit=1") == [now_, soon, later]
    assert expired not in listed()


def test_coupons_that_expire_at_once_are_all_listed(client: Client) -> None:
    # Given coupons that expire at the same instant
    coupons = [make(client).get_json()["couponId"] for _ in range(5)]
    found, cursor = [], ""
    while True:
        page = client.get(f"/api/coupons?limit=2{cursor}").get_json()
        found += [coupon["couponId"] for coupon in page["coupons"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert found == coupons


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WzkwMDAwMDAwMDAwMDAwMDAwMDAsMV0"])
def test_a_cursor_that_is_none(client: Client, cursor: str) -> None:
    refused(client.get(f"/api/coupons?cursor={cursor}"), 422, "COMMON001", "/cursor")


def test_what_a_coupon_would_take_off(client: Client, redis: Redis, user: int) -> None:
    coupon = given_coupon(5, "percentage", 15, minimum=1_000)
    [stranger] = given_users(0)
    ask(client, redis, user, coupon)

    def answer(amount: int, who: int = user) -> TestResponse:
        body = {"couponId": coupon, "orderAmount": amount}
        return client.user(who).post("/api/coupons/validate", body)

    good = answer(1_999).get_json()
    assert (good["valid"], good["discountAmount"], good["finalAmount"]) == (True, 299, 1_700)
    low = answer(999).get_json()
    assert low == {
        "valid": False, "discountAmount": 0, "finalAmount": 999,
        "message": "The coupon needs an order of 1000 won at least.",
    }
    refused(answer(1_999, stranger), 404, "C002")
    with session():
        execute("UPDATE user_coupons SET expires_at = NOW(3)")
    assert answer(1_999).get_json()["message"] == "Coupon expired"
    assert not answer(1_999).get_json()["valid"]


def test_what_a_user_holds(client: Client, redis: Redis, user: int) -> None:
    # Given three coupons of a user: one available, one used, one expired
    coupons = [given_coupon(5) for _ in range(3)]
    for coupon in coupons:
        ask(client, redis, user, coupon)
    with session():
        execute("UPDATE user_coupons SET used_at = NOW(3), used_by_order_id = 1 "
                "WHERE coupon_id = %s", (coupons[1],))
        execute("UPDATE user_coupons SET expires_at = NOW(3) WHERE coupon_id = %s", (coupons[2],))

    def held(query: str = "") -> list[tuple[int, str]]:
        found = client.user(user).get(f"/api/users/{user}/coupons{query}").get_json()["coupons"]
        return [(one_["couponId"], one_["status"]) for one_ in found]

    # Then they are listed newest first, and by how they stand
    everything = [
        (coupons[2], "expired"), (coupons[1], "used"), (coupons[0], "available"),
    ]
    assert held() == everything
    for coupon, status in everything:
        assert held(f"?status={status}") == [(coupon, status)]
    # And page by page
    page = client.user(user).get(f"/api/users/{user}/coupons?limit=2").get_json()
    assert held(f"?cursor={page['nextCursor']}") == everything[2:]
    refused(
        client.user(user).get(f"/api/users/{user}/coupons?status=gone"), 422, "COMMON001"
    )


def test_one_coupon_of_a_user_is_where_its_job_says(
    client: Client, redis: Redis, user: int
) -> None:
    coupon = given_coupon(5)
    answer = ask(client, redis, user, coupon)
    issued = client.user(user).get(answer.headers["Location"]).get_json()["result"]
    path = f"/api/user-coupons/{issued['userCouponId']}"
    assert client.user(user).get(path).get_json() == {**issued, "status": "available"}
    # And is nobody else's
    [stranger] = given_users(0)
    refused(client.user(stranger).get(path), 404, "C002")
    refused(client.user(stranger).get(f"/api/users/{user}/coupons"), 403, "COMMON003")
    assert client.admin(77).get(path).status_code == 200
    refused(client.admin(77).get("/api/users/999999/coupons"), 404, "U001")


def test_an_admin_asks_for_a_user(client: Client, redis: Redis, user: int) -> None:
    coupon = given_coupon(5)
    [stranger] = given_users(0)
    path = f"/api/coupons/{coupon}/issue?userId={user}"
    refused(client.user(stranger).post(path), 403, "COMMON003")
    assert client.admin(77).post(path).status_code == 202
    work(redis)
    assert select("SELECT user_id FROM user_coupons") == [(user,)]
