"""Migrations from nothing and from each version before; indexes that earn their keep."""

import threading

import pytest

from infra.database import database, execute, rows, session
from infra.migrate import MIGRATIONS, migrate
from tests.support.emptying import drop_all
from tests.support.services import TestServices

NAMES = sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))
TABLES = {
    "users", "balance_history", "products", "stock_movements", "carts", "cart_items", "coupons",
    "coupon_gates", "user_coupons", "orders", "order_items", "payments", "jobs",
    "idempotency_keys", "outbox_events", "order_exports", "restock_notifications", "admin_audit",
    "controls", "heartbeats", "migrations", "back_in_stock", "restock_mails",
    "payment_requests", "payment_differences", "lost_events",
}


@pytest.fixture
def empty_schema(services: TestServices, _schema: None) -> None:
    """A schema without a table; the next test that asks for ``database`` finds it migrated."""
    drop_all()


@pytest.fixture(autouse=True)
def _migrated_again(_schema: None) -> object:
    yield
    migrate()


def tables() -> set[str]:
    with session():
        return {row[0] for row in rows("SHOW TABLES")}


@pytest.mark.usefixtures("empty_schema")
def test_an_empty_database_gets_every_table_once() -> None:
    assert migrate() == NAMES
    assert tables() >= TABLES
    assert migrate() == []


def test_a_database_may_have_the_longest_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with session():
        # Given a database that is called by a name of 64 characters
        monkeypatch.setattr(database, "database", "shop_".ljust(64, "x"))
        # Then its migrations are looked through like any other's
        assert migrate() == []


@pytest.mark.usefixtures("empty_schema")
def test_two_that_start_at_once_do_not_collide() -> None:
    # Given four processes that start at the same time
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # Then one of them migrates and the others find it done
    assert sorted(applied, key=len) == [[], [], [], NAMES]


@pytest.mark.usefixtures("empty_schema")
@pytest.mark.parametrize("version", NAMES[:-1])
def test_up_from_each_version_with_data_in_it(version: str) -> None:
    # Given a database of an earlier version, in use
    migrate(version)
    with session():
        execute("INSERT INTO users (id, name, balance) VALUES (7, 'kim', 70)")
    # When it is brought up to date, Then what it held is there
    migrate()
    assert tables() >= TABLES
    with session():
        assert rows("SELECT id, name, balance FROM users") == [(7, "kim", 70)]


@pytest.mark.usefixtures("empty_schema")
def test_a_migration_that_broke_half_way_is_run_again() -> None:
    # Given a first migration that made some tables and then died: DDL is not transactional
    migrate()
    with session():
        execute("DROP TABLE payments")
        execute("DELETE FROM migrations WHERE name = %s", (NAMES[0],))
    assert migrate() == NAMES[:1]
    assert "payments" in tables()


@pytest.mark.usefixtures("_schema")
def test_no_index_is_anothers_left_prefix() -> None:
    with session():
        found = rows(
            "SELECT table_name, index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) "
            "FROM information_schema.statistics WHERE table_schema = DATABASE() "
            "GROUP BY table_name, index_name"
        )
    redundant = [
        (table, name, other)
        for table, name, columns in found
        for table2, other, columns2 in found
        if table == table2 and name != other and f"{columns2},".startswith(f"{columns},")
    ]
    assert not redundant


@pytest.mark.usefixtures("_schema")
def test_every_key_is_a_bigint() -> None:
    with session():
        narrow = rows(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND data_type IN ('int', 'smallint', 'tinyint') "
            "AND (column_name = 'id' OR column_name LIKE '%%\\_id') AND table_name <> 'migrations'"
        )
    assert narrow == []
