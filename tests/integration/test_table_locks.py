"""Whoever locks whole tables, as a careless backup or an ALTER TABLE does, keeps nobody waiting."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pymysql
import pytest

from infra import migrate as migrate_module
from infra.connections import connect_params
from infra.database import execute, rows, session
from infra.migrate import MIGRATIONS, migrate
from infra.settings import settings
from tests.support.client import Client
from tests.support.market import given_product
from tests.support.shop import given_users

LONGEST = 8.0
"""Seconds: two for the lock, and what a slow machine adds. It was thirty, and ten to accept."""


@contextmanager
def locked(*tables: str) -> Iterator[None]:
    """Another client holds the tables, to read them undisturbed."""
    name, params = connect_params(settings().database_url)
    with pymysql.connect(database=name, **params) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLES " + ", ".join(f"{table} READ" for table in tables))
        yield


@pytest.mark.parametrize("table", ["jobs", "idempotency_keys"])
def test_nothing_is_accepted_and_that_is_said_at_once(client: Client, table: str) -> None:
    [user] = given_users(0)
    path, charge = f"/api/users/{user}/balance/charge", {"amount": 5, "transactionId": "t-1"}
    # When work is asked for while another client holds a table that accepting writes
    with locked(table):
        began = time.monotonic()
        answer = client.user(user).post(path, charge)
        took = time.monotonic() - began
    # Then it is refused within seconds, with the time to come again, and there is no job
    assert (answer.status_code, answer.json["code"]) == (503, "COMMON008")
    assert int(answer.headers["Retry-After"]) >= 1
    assert took < LONGEST
    with session():
        assert rows("SELECT COUNT(*) FROM jobs") == [(0,)]
    # And once the table is free, the same request is accepted
    assert client.user(user).post(path, charge).status_code == 202


def test_what_is_answered_at_once_is_refused_at_once_too(client: Client) -> None:
    [user], product = given_users(0), given_product(5)
    line = {"productId": product, "quantity": 1}
    with locked("carts", "cart_items"):
        began = time.monotonic()
        answer = client.user(user).post("/api/cart/items", line)
        took = time.monotonic() - began
    assert (answer.status_code, answer.json["code"]) == (503, "COMMON008")
    assert int(answer.headers["Retry-After"]) >= 1
    assert took < LONGEST
    assert client.user(user).post("/api/cart/items", line).status_code == 201


def test_a_switch_of_the_operators_is_refused_at_once_too(client: Client) -> None:
    with locked("controls"):
        began = time.monotonic()
        answer = client.admin().call(
            "PUT", "/api/admin/controls/read-only", json={"value": True}
        )
        took = time.monotonic() - began
    assert (answer.status_code, answer.json["code"]) == (503, "COMMON008")
    assert took < LONGEST


def test_a_migration_waits_for_a_table_and_lets_others_pass_meanwhile(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a migration that was not applied yet, and a client that holds its table
    monkeypatch.setattr(migrate_module, "_TABLE_SECONDS", 1)
    monkeypatch.setattr(migrate_module, "_PAUSE_SECONDS", 0.1)
    newest = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))[-1]
    with session():
        execute("DELETE FROM migrations WHERE name = %s", (newest,))
    with ThreadPoolExecutor(1) as beside:
        with locked("migrations"):
            migrating = beside.submit(migrate)
            # When it has to wait for longer than it does at once
            with pytest.raises(TimeoutError):
                migrating.result(2.5)
        # Then it is applied once the table is free
        assert migrating.result(30) == [newest]
