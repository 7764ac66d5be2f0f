"""Given: products with stock, coupons with gates and filled carts. Then: what became of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from audit.report import Finding
from audit.rules import Audited, apply
from audit.run import INVARIANTS
from domain.jobs.status_store import JobRecord
from infra.database import execute, now, rows, session, transaction
from infra.settings import settings
from infra.snapshot import snapshot


def given_product(stock: int, price: int = 1000, limit: int | None = None) -> int:
    """A product with the opening movement of its stock; its id."""
    with transaction():
        cursor = execute(
            "INSERT INTO products (name, description, price, stock, max_per_user) "
            "VALUES (%s, '', %s, %s, %s)",
            (f"thing at {price}", price, stock, limit),
        )
        product_id = int(cursor.lastrowid)
        execute(
            "INSERT INTO stock_movements (product_id, kind, quantity) VALUES (%s, 'opening', %s)",
            (product_id, stock),
        )
    return product_id


def given_coupon(
    quantity: int,
    kind: str = "fixed",
    value: int = 100,
    minimum: int = 0,
    opens: timedelta | None = None,
    expires: timedelta = timedelta(days=1),
) -> int:
    """A coupon and its gate, that opens and expires so much from now; its id."""
    with transaction():
        at = now()
        starts_at, expires_at = at + opens if opens else None, at + expires
        cursor = execute(
            "INSERT INTO coupons (name, discount_type, discount_value, min_order_amount, "
            "max_quantity, starts_at, expires_at) VALUES ('drop', %s, %s, %s, %s, %s, %s)",
            (kind, value, minimum, quantity, starts_at, expires_at),
        )
        coupon_id = int(cursor.lastrowid)
        execute(
            "INSERT INTO coupon_gates (coupon_id, starts_at, expires_at) VALUES (%s, %s, %s)",
            (coupon_id, starts_at, expires_at),
        )
    return coupon_id


def put_in_cart(user_id: int, wanted: Mapping[int, int]) -> None:
    """Put quantities by product into a cart that has none of them, as an edit does."""
    with transaction():
        execute(
            "INSERT INTO carts (user_id) VALUES (%s) ON DUPLICATE KEY UPDATE user_id = user_id",
            (user_id,),
        )
        for product_id, quantity in wanted.items():
            execute(
                "INSERT INTO cart_items (cart_id, product_id, quantity) VALUES (%s, %s, %s)",
                (user_id, product_id, quantity),
            )
        execute("UPDATE carts SET version = version + 1 WHERE user_id = %s", (user_id,))


def select(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """All rows of one query."""
    with session():
        return rows(sql, params)


def one(sql: str, *params: Any) -> Any:
    """The only value of one query."""
    [(value,)] = select(sql, *params)
    return value


def balance(user_id: int) -> int:
    return int(one("SELECT balance FROM users WHERE id = %s", user_id))


def stock(product_id: int) -> int:
    return int(one("SELECT stock FROM products WHERE id = %s", product_id))


def database_now() -> datetime:
    with session():
        return now()


def broken_rules() -> list[str]:
    """What audit's rules find wrong in the tables: the invariants, judged by foreign code."""
    found = []
    with snapshot(settings().database_url) as view:
        audited = Audited(view, settings())
        for invariant in INVARIANTS:
            finding = Finding(invariant.number, invariant.name)
            for rule in invariant.rules:
                apply(rule, audited, finding)
            found += [
                f"{broken.rule}: {example.detail}"
                for broken in finding.violations
                for example in broken.examples
            ]
    return found


def empty_shop() -> None:
    """Forget everything, as before each test: for a test that needs the same shop twice."""
    with session():
        for (table,) in rows("SHOW TABLES"):
            if table != "migrations":
                execute(f"TRUNCATE TABLE {table}")


def code(job: JobRecord) -> str:
    """How a job ended: ``succeeded``, or the code of its problem."""
    return str(orjson.loads(job.error)["code"]) if job.error else job.status


def result(job: JobRecord) -> dict[str, Any]:
    """What a job that must have succeeded answers."""
    assert job.result is not None, job
    return dict(orjson.loads(job.result))


def problem(job: JobRecord) -> dict[str, Any]:
    """The problem of a job that must have failed."""
    assert job.error is not None, job
    return dict(orjson.loads(job.error))


def events(kind: str) -> list[tuple[int, dict[str, Any]]]:
    """(aggregate id, payload) of the events of a type, in their order, without their version."""
    found = []
    for aggregate_id, payload in select(
        "SELECT aggregateid, payload FROM outbox_events WHERE type = %s ORDER BY id", kind
    ):
        data = orjson.loads(payload)
        assert data.pop("schemaVersion") == 1
        found.append((aggregate_id, data))
    return found
