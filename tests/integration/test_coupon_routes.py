"""Coupons by HTTP: made, changed, listed, asked for and held."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.market import broken_rules, given_coupon, one, select
from tests.support.shop import given_users, work

BODY = {
    "name": "Opening day", "discountType": "percentage", "discountValue": 20, "maxQuantity": 100,
    "minOrderAmount": 10_000, "startsAt": "2026-01-01T09:00:00+09:00",
    "expiresAt": "2099-12-31T15:00:00Z",
}
SHOWN = {
    **BODY, "issuedQuantity": 0, "remainingQuantity": 100,
    "startsAt": "2026-01-01T00:00:00.000Z", "expiresAt": "2099-12-31T15:00:00.000Z",
}


@pytest.fixture
def user(database: None) -> int:
    return given_users(100_000)[0]


def make(client: Client, **fields: Any) -> TestResponse:
    return client.admin().post("/api/coupons", {**BODY, **fields})


def change(client: Client, coupon: int, body: Any) -> TestResponse:
    return client.admin().call("PATCH", f"/api/coupons/{coupon}", json=body)


def ask(client: Client, redis: Redis, user: int, coupon: int) -> TestResponse:
    """Ask for a coupon, and have it worked if it was accepted."""
    answer = client.user(user).post(f"/api/coupons/{coupon}/issue")
    work(redis)
    return answer


def test_an_admin_makes_a_coupon(client: Client) -> None:
    answer = make(client)
    coupon = answer.get_json()
    assert answer.status_code == 201
    assert coupon == {**SHOWN, "couponId": coupon["couponId"]}
    # It is found where the answer says, by anybody, and has its gate
    assert client.get(answer.headers["Location"]).get_json() == coupon
    assert client.get("/api/coupons").get_json()["coupons"] == [coupon]
    assert select("SELECT g.coupon_id, g.next_seq, g.sold_out FROM coupon_gates g "
                  "JOIN coupons c ON c.id = g.coupon_id AND c.expires_at = g.expires_at "
                  "AND c.starts_at = g.starts_at") == [(coupon["couponId"], 0, 0)]
    # And who made it is written down
    assert select("SELECT admin_id, action, target FROM admin_audit") == [
        (1, "coupon.create", f"coupon:{coupon['couponId']}")
    ]


def test_a_coupon_without_what_may_be_left_out(client: Client) -> None:
    body = {key: BODY[key] for key in BODY if key not in ("startsAt", "minOrderAmount")}
    coupon = client.admin().post("/api/coupons", body).get_json()
    assert coupon["minOrderAmount"] == 0
    assert "startsAt" not in coupon


def test_the_same_key_makes_one_coupon(client: Client) -> None:
    first, again = (
        client.admin().post("/api/coupons", BODY, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    )
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert one("SELECT COUNT(*) FROM coupons") == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("discountValue", 101), ("discountValue", 0), ("discountValue", "10"),
        ("discountType", "half"), ("maxQuantity", 0), ("maxQuantity", 10**9 + 1),
        ("minOrderAmount", -1), ("name", ""), ("name", "a\nb"),
        ("expiresAt", "2020-01-01T00:00:00Z"), ("expiresAt", "2099-01-01"),
        ("expiresAt", "2099-01-01T00:00:00"), ("expiresAt", 4102444800),
        ("expiresAt", "4102444800"), ("expiresAt", "9999-12-31T23:59:59-12:00"),
        ("startsAt", "2099-12-31T15:00:00Z"), ("startsAt", "0001-01-01T00:00:00+14:00"),
        ("colour", "red"),
    ],
)
def test_a_coupon_that_there_cannot_be(client: Client, field: str, value: Any) -> None:
    refused(make(client, **{field: value}), 422, "COMMON001", f"/{field}")
    assert one("SELECT (SELECT COUNT(*) FROM coupons) + (SELECT COUNT(*) FROM coupon_gates)") == 0


def test_only_admins_make_and_change(client: Client, user: int) -> None:
    coupon = given_coupon(1)
    refused(client.user(user).post("/api/coupons", {"x": 1}), 403, "COMMON003")
    refused(
        client.user(user).call("PATCH", f"/api/coupons/{coupon}", json={"paused": True}),
        403, "COMMON003",
    )


def test_more_than_issued_opens_a_coupon_again(client: Client, redis: Redis, user: int) -> None:
    # Given a coupon that is sold out
    coupon = given_coupon(1)
    [second, third] = given_users(0, 0)
    assert ask(client, redis, user, coupon).status_code == 202
    refused(ask(client, redis, second, coupon), 409, "C001")
    # When its total is raised
    answer = change(client, coupon, {"maxQuantity": 2})
    assert answer.status_code == 200
    assert (answer.get_json()["maxQuantity"], answer.get_json()["remainingQuantity"]) == (2, 1)
    # Then the next one gets it, and it is sold out again
    assert ask(client, redis, second, coupon).status_code == 202
    refused(ask(client, redis, third, coupon), 409, "C001")
    assert select("SELECT user_id FROM user_coupons ORDER BY seq") == [(user,), (second,)]
    assert broken_rules() == []


def test_as_many_as_issued_closes_it_and_fewer_are_refused(
    client: Client, redis: Redis, user: int
) -> None:
    coupon = given_coupon(5)
    [second] = given_users(0)
    ask(client, redis, user, coupon)
    refused(change(client, coupon, {"maxQuantity": 0}), 422, "COMMON001", "/maxQuantity")
    assert change(client, coupon, {"maxQuantity": 1}).status_code == 200
    refused(ask(client, redis, second, coupon), 409, "C001")
    assert change(client, coupon, {"maxQuantity": 3}).status_code == 200
    ask(client, redis, second, coupon)
    refused(change(client, coupon, {"maxQuantity": 1}), 422, "COMMON001", "/maxQuantity")
    assert broken_rules() == []


def test_who_came_too_late_does_not_win_what_is_added_later(
    client: Client, redis: Redis, user: int
) -> None:
    # Given a coupon of one, accepted for twice, of which the first has been issued
    coupon = given_coupon(1)
    [second, third] = given_users(0, 0)
    for one_ in (user, second):
        client.user(one_).post(f"/api/coupons/{coupon}/issue")
    with session():
        execute("UPDATE jobs SET due_at = NOW(3) + INTERVAL 1 HOUR WHERE seq = 2")
    work(redis)
    assert select("SELECT status FROM jobs ORDER BY seq") == [("succeeded",), ("queued",)]
    # When more are to be added while the second still waits to hear that it lost
    answer = change(client, coupon, {"maxQuantity": 2})
    # Then that has to wait, and nothing has changed
    refused(answer, 503, "COMMON008")
    assert answer.headers["Retry-After"] == "1"
    assert select("SELECT max_quantity, sold_out FROM coupons JOIN coupon_gates") == [(1, 1)]
    # And once the second has heard, the added one goes to whoever asks then
    with session():
        execute("UPDATE jobs SET due_at = NULL WHERE status = 'queued'")
    work(redis)
    assert change(client, coupon, {"maxQuantity": 2}).status_code == 200
    ask(client, redis, third, coupon)
    assert select("SELECT user_id FROM user_coupons ORDER BY seq") == [(user,), (third,)]
    assert broken_rules() == []


def test_a_paused_coupon(client: Client, redis: Redis, user: int) -> None:
    coupon = given_coupon(5)
    assert change(client, coupon, {"paused": True}).status_code == 200
    answer = client.user(user).post(f"/api/coupons/{coupon}/issue")
    refused(answer, 503, "COMMON008")
    assert answer.headers["Retry-After"] == "1"
    assert client.get("/api/coupons").get_json()["coupons"] == []
    # What does not speak of the pause leaves it as it is
    change(client, coupon, {"maxQuantity": 7})
    refused(client.user(user).post(f"/api/coupons/{coupon}/issue"), 503, "COMMON008")
    change(client, coupon, {"paused": False})
    assert ask(client, redis, user, coupon).status_code == 202


@pytest.mark.parametrize("body", [{}, {"paused": 1}, {"maxQuantity": "2"}, {"name": "x"}])
def test_a_change_that_is_none(client: Client, body: Any) -> None:
    refused(change(client, given_coupon(5), body), 422, "COMMON001")


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
