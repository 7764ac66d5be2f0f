"""Idempotency-Key where the work is done at once: products, restocks and users."""

import threading
from typing import Any

import pytest
from werkzeug.test import TestResponse

from audit.checks.jobs import JOBS
from audit.checks.money import MONEY
from audit.checks.stock import STOCK
from audit.report import Verdict
from audit.rules import Audited
from infra.database import execute, rows, session
from infra.settings import settings
from infra.snapshot import snapshot
from tests.support.catalog import new_product, refused
from tests.support.client import Client
from tests.support.shop import given_users

KEY = {"Idempotency-Key": "delivery-2026-11-23"}


def count(table: str) -> int:
    with session():
        total: int = rows(f"SELECT COUNT(*) FROM {table}")[0][0]
    return total


def restock(client: Client, product: int, quantity: int = 5, admin: int = 1) -> TestResponse:
    return client.admin(admin).post(
        f"/api/products/{product}/restock", {"quantity": quantity}, headers=KEY
    )


def stock(client: Client, product: int) -> int:
    found: int = client.get(f"/api/products/{product}/stock").get_json()["stock"]
    return found


def test_a_restock_sent_again_is_answered_again_and_not_done(client: Client) -> None:
    product = new_product(client, stock=0)
    first = restock(client, product)
    assert "Idempotent-Replayed" not in first.headers
    # When it is sent again after another delivery
    client.admin().post(f"/api/products/{product}/restock", {"quantity": 1})
    again = restock(client, product)
    # Then the answer is the first one's, and nothing came in
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert stock(client, product) == 6
    assert (count("stock_movements"), count("outbox_events"), count("admin_audit")) == (3, 2, 3)


def test_a_key_that_is_sent_with_something_else(client: Client) -> None:
    product, other = new_product(client, stock=0), new_product(client, stock=0)
    restock(client, product)
    refused(restock(client, product, quantity=6), 422, "COMMON006")
    refused(restock(client, other), 422, "COMMON006")
    body = {"name": "kim"}
    refused(client.admin().post("/api/users", body, headers=KEY), 422, "COMMON006")
    assert (stock(client, product), stock(client, other), count("users")) == (5, 0, 0)


def test_a_key_is_its_callers_own(client: Client) -> None:
    product = new_product(client, stock=0)
    restock(client, product, admin=1)
    assert "Idempotent-Replayed" not in restock(client, product, admin=2).headers
    assert stock(client, product) == 10


def test_commands_and_restocks_share_their_keys(client: Client) -> None:
    product = new_product(client, stock=0)
    [user] = given_users(0)
    charge = {"amount": 100}
    path = f"/api/users/{user}/balance/charge"
    # Given a key that names a restock, When a command comes with it, Then it is refused
    restock(client, product)
    refused(client.admin().post(path, charge, headers=KEY), 422, "COMMON006")
    # And the other way round
    other = {"Idempotency-Key": "another"}
    assert client.admin().post(path, charge, headers=other).status_code == 202
    answer = client.admin().post(
        f"/api/products/{product}/restock", {"quantity": 5}, headers=other
    )
    refused(answer, 422, "COMMON006")


def test_one_key_sent_many_times_at_once_is_one_restock(client: Client) -> None:
    product = new_product(client, stock=0)
    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda: answers.append(restock(client, product)))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * 12
    assert [answer.get_json()["stock"] for answer in answers] == [5] * 12
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert stock(client, product) == 5


@pytest.mark.parametrize(
    ("path", "body", "table"),
    [
        ("/api/products", {"name": "Parka", "price": 1, "stock": 1}, "products"),
        ("/api/users", {"name": "kim", "balance": 7}, "users"),
    ],
)
def test_what_was_created_is_created_once(
    client: Client, path: str, body: dict[str, Any], table: str
) -> None:
    first = client.admin().post(path, body, headers=KEY)
    again = client.admin().post(path, body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert count(table) == 1


def test_a_kept_answer_expires_like_every_key(client: Client) -> None:
    product = new_product(client, stock=0)
    restock(client, product)
    with session():
        [hours] = rows("SELECT TIMESTAMPDIFF(HOUR, NOW(3), expires_at) FROM idempotency_keys")[0]
        assert hours >= 24
        # When the key has been purged, Then it may be used anew
        execute("DELETE FROM idempotency_keys")
    assert "Idempotent-Replayed" not in restock(client, product).headers


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_a_key_out_of_bounds(client: Client, key: str) -> None:
    product = new_product(client, stock=0)
    answer = client.admin().post(
        f"/api/products/{product}/restock", {"quantity": 5}, headers={"Idempotency-Key": key}
    )
    refused(answer, 422, "COMMON001")
    assert stock(client, product) == 0


def test_the_books_are_right_after_it_all(client: Client) -> None:
    # Given users, products and deliveries, with keys, repeats and refusals
    for balance in (0, 500):
        client.admin().post("/api/users", {"name": "kim", "balance": balance}, headers=KEY)
        client.admin().post("/api/users", {"name": "lee", "balance": balance})
    product = new_product(client, stock=0)
    for _ in range(2):
        client.admin().post(
            f"/api/products/{product}/restock", {"quantity": 5}, headers={"Idempotency-Key": "k"}
        )
    client.admin().post(f"/api/products/{product}/restock", {"quantity": 10**9})
    # Then audit finds every key, stock and balance explained
    with snapshot(settings().database_url) as view:
        for invariant in (JOBS, STOCK, MONEY):
            finding = invariant.examine(Audited(view, settings()))
            assert finding.status is Verdict.HOLDS, finding
