"""Coupons by HTTP, as admins make, change and pause them."""

from typing import Any

import pytest
from redis import Redis

from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.drop import BODY, SHOWN, ask, change, make
from tests.support.market import broken_rules, given_coupon, one, select
from tests.support.shop import given_users, work


@pytest.fixture
def user(database: None) -> int:
    return given_users(100_000)[0]


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


