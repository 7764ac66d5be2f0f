"""Every list, page by page: by cursors that hold while rows come, and by Link (RFC 8288)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.admin_audit.service import record
from domain.outbox.append import append
from domain.outbox.events import Event
from domain.wallet import charge
from infra.database import execute, run_transaction, session
from tests.support.catalog import refused
from tests.support.client import Client
from tests.support.failing import failed
from tests.support.market import given_coupon
from tests.support.shop import accepted

USER = 5
SPREAD = (500, 100, 900, 300, 700, 300, 100)
"""What rows are sorted by: those that come meanwhile fall before, between and behind the others."""


def _insert(table: str, **values: Any) -> None:
    with session():
        execute(
            f"INSERT INTO {table} ({', '.join(values)}) "
            f"VALUES ({', '.join(['%s'] * len(values))})",
            list(values.values()),
        )


def _product(number: int) -> None:
    _insert(
        "products", name="thing", description="", stock=1, category="책 & 종이",
        price=SPREAD[number % 7], sales_count=SPREAD[(number + 3) % 7],
    )


def _coupon(number: int) -> None:
    given_coupon(1, expires=timedelta(seconds=SPREAD[number % 7]))


def _held(number: int) -> None:
    _insert(
        "user_coupons", user_id=USER, coupon_id=given_coupon(9), expires_at="2099-01-01",
    )


def _history(number: int) -> None:
    _insert(
        "balance_history", user_id=USER, kind="charge", amount=1, previous_balance=number,
        current_balance=number + 1,
    )


def _job(number: int) -> None:
    accepted(charge.command(USER, USER, 1, None, None))


def _failed(number: int) -> None:
    failed(charge.command(USER, USER, 1, None, None))


def _event(number: int) -> None:
    run_transaction(lambda: append([Event("product", number + 1, "product.restocked", {})]))


def _dead(number: int) -> None:
    _event(number)
    with session():
        execute(
            "UPDATE outbox_events SET status = 'dead', pending_shard = NULL, dead_at = NOW(3)"
        )


def _act(number: int) -> None:
    run_transaction(lambda: record(9, "product.restock", f"product:{number}", {}))


def _order(number: int) -> None:
    _insert(
        "orders", user_id=USER, total_amount=0, discount_amount=0, final_amount=0,
        status="COMPLETED", created_at="2026-01-01",
    )


@dataclass(frozen=True)
class Walk:
    """A list, what its rows are known by, and how one row more comes about."""

    path: str
    member: str
    id: str
    make: Callable[[int], None]

    def __str__(self) -> str:
        return self.path


LISTS = [
    *(
        Walk(f"/api/products?sort={sort}", "products", "productId", _product)
        for sort in ("newest", "price", "popularity")
    ),
    Walk("/api/coupons", "coupons", "couponId", _coupon),
    Walk(f"/api/users/{USER}/coupons?status=available", "coupons", "userCouponId", _held),
    Walk(f"/api/users/{USER}/balance/history", "history", "id", _history),
    Walk("/api/jobs?allUsers=true&status=queued", "jobs", "jobId", _job),
    Walk(f"/api/admin/jobs?status=failed&userId={USER}", "jobs", "jobId", _failed),
    Walk("/api/admin/outbox?status=pending", "events", "id", _event),
    Walk("/api/admin/audit-log?action=product.restock&adminId=9", "acts", "id", _act),
]
OTHERS = [
    Walk("/api/products?category=%EC%B1%85+%26+%EC%A2%85%EC%9D%B4", "products", "productId",
         _product),
    Walk("/api/admin/outbox", "events", "id", _event),
    Walk("/api/admin/outbox?status=dead", "events", "id", _dead),
    Walk("/api/admin/audit-log", "acts", "id", _act),
]
ORDERS = Walk("/api/orders?status=COMPLETED&userId=5", "orders", "orderId", _order)


@pytest.fixture(autouse=True)
def _user(client: Client) -> None:
    _insert("users", id=USER, name="user", balance=0)


def links(headers: Any) -> dict[str, str]:
    """The header Link, by relation."""
    return {rel: to for to, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', headers.get("Link", ""))}


def words(target: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(target).query)


def page(client: Client, target: str) -> Any:
    answer = client.admin().get(target)
    assert answer.status_code == 200, answer.text
    return answer


def with_limit(one: Walk, limit: int) -> str:
    return f"{one.path}{'&' if '?' in one.path else '?'}limit={limit}"


@pytest.mark.parametrize("one", [*LISTS, *OTHERS, ORDERS], ids=str)
def test_rows_that_come_meanwhile_shift_nothing(client: Client, one: Walk) -> None:
    # Given seven rows
    for number in range(7):
        one.make(number)
    whole = page(client, with_limit(one, 100)).get_json()
    old = [row[one.id] for row in whole[one.member]]
    assert len(old) == 7
    # When they are walked two at a time, by Link alone, and after each page another row comes
    seen: list[Any] = []
    target: str | None = with_limit(one, 2)
    for number in range(20):
        if target is None:
            break
        answer = page(client, target)
        seen += [row[one.id] for row in answer.get_json()[one.member]]
        following = links(answer.headers).get("next")
        # (whose other parameters are those of the request)
        if following:
            kept = {name: value for name, value in words(target).items() if name != "cursor"}
            assert {**kept, **words(following)} == words(following) | {"limit": ["2"]}
            assert urlsplit(following).path == urlsplit(one.path).path
        target = following
        one.make(number + 7)
    # Then each old row was seen once, in the order in which it stood
    assert [id_ for id_ in seen if id_ in old] == old
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("one", LISTS, ids=str)
def test_the_cursor_in_the_body_is_that_of_the_link(client: Client, one: Walk) -> None:
    for number in range(3):
        one.make(number)
    answer = page(client, with_limit(one, 2))
    cursor = answer.get_json()["nextCursor"]
    assert words(links(answer.headers)["next"])["cursor"] == [cursor]
    # And the last page has neither
    last = page(client, f"{with_limit(one, 2)}&cursor={cursor}")
    assert last.get_json()["nextCursor"] is None
    assert len(last.get_json()[one.member]) == 1
    assert "Link" not in last.headers


def test_a_cursor_is_good_for_its_own_list_and_sort_only(client: Client) -> None:
    for one in LISTS:
        for number in range(2):
            one.make(number)
    cursors = {
        one.path: page(client, with_limit(one, 1)).get_json()["nextCursor"] for one in LISTS
    }
    order = words(links(_three_orders(client).headers)["next"])["cursor"][0]
    for one in [*LISTS, ORDERS]:
        for path, cursor in [*cursors.items(), (ORDERS.path, order)]:
            answer = client.admin().get(f"{with_limit(one, 1)}&cursor={cursor}")
            if path == one.path:
                assert answer.status_code == 200, (path, one)
            else:
                refused(answer, 422, "COMMON001", "/cursor")


@pytest.mark.parametrize("cursor", ["", "xx", "AAAA", "WyJqb2JzIl0", "WyJqb2JzIiwxLjVd", "é"])
@pytest.mark.parametrize("one", [*LISTS, ORDERS], ids=str)
def test_what_was_never_a_cursor(client: Client, one: Walk, cursor: str) -> None:
    answer = client.admin().get(f"{with_limit(one, 1)}&cursor={cursor}")
    refused(answer, 422, "COMMON001", "/cursor")


def _three_orders(client: Client, query: str = "&page=1") -> Any:
    for number in range(3):
        _order(number)
    return page(client, f"/api/orders?userId=5&limit=1{query}")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, {"first": 1, "next": 2, "last": 3}),
        (2, {"first": 1, "prev": 1, "next": 3, "last": 3}),
        (3, {"first": 1, "prev": 2, "last": 3}),
        (9, {"first": 1, "prev": 3, "last": 3}),
    ],
)
def test_orders_link_to_their_other_pages(
    client: Client, number: int, expected: dict[str, int]
) -> None:
    answer = _three_orders(client, f"&page={number}")
    found = links(answer.headers)
    assert {rel: int(words(to)["page"][0]) for rel, to in found.items()} == expected
    for target in found.values():
        assert words(target)["userId"] == ["5"]
        assert words(target)["limit"] == ["1"]


def test_no_orders_are_one_empty_page(client: Client) -> None:
    answer = page(client, "/api/orders")
    assert answer.get_json() == {
        "orders": [], "pagination": {"currentPage": 1, "totalPages": 0, "totalCount": 0}
    }
    assert links(answer.headers) == {
        "first": "/api/orders?page=1", "last": "/api/orders?page=1"
    }
