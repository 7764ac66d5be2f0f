"""The big shop's rows, made by the server from a table of numbers: always the same ones."""

from typing import NamedTuple

from infra.database import execute, placeholders, rows, session
from tests.support.query_plans.big_shop import (
    BALANCE,
    CATEGORIES,
    COUPON_QUANTITY,
    COUPONS_ISSUED,
    FIRST_APPROVED,
    FIRST_DEAD,
    FIRST_FOR_COUPON,
    FIRST_HELD_BY_REGULAR,
    FIRST_OPEN_COUPON,
    FIRST_PARKED,
    FIRST_PENDING,
    FIRST_PENDING_EXPORT,
    FIRST_PENDING_NOTICE,
    FIRST_QUEUED,
    FIRST_REQUEST,
    FIRST_RUNNING,
    FIRST_SENDING,
    FIRST_SENDING_NOTICE,
    FIRST_UNRECONCILED,
    FIRST_USED,
    FIRST_VOIDING,
    HOT_COUPON,
    MANY,
    MOST,
    NOW,
    OPEN_DIFFERENCES,
    ORDERS,
    PARKED,
    REGULAR,
    RUNNING,
    STOCK,
    TOKEN,
    WAITED_FOR,
)


class Rows(NamedTuple):
    """So many rows of a table, by what each number from 1 makes of each column."""

    table: str
    size: int
    columns: dict[str, str]


def _rows(table: str, count: int, **columns: str | int) -> Rows:
    return Rows(table, count, {name: str(value) for name, value in columns.items()})


def _now(offset: str) -> str:
    return f"'{NOW}' + INTERVAL {offset}"


_UUID = "UNHEX(LPAD(HEX(n), 32, '0'))"
_HASH = "UNHEX(LPAD(HEX(n), 64, '0'))"
_JSON = "'{}'"
_TOKEN = f"'{TOKEN.decode()}'"
_PRODUCT = f"1 + n * 37 % {MANY}"
_BUYER = f"IF(n % 10 = 0, {REGULAR}, 1 + n % {MANY})"
_ASKER = f"IF(n % 20 = 0, {REGULAR}, 1 + n % {MANY})"
_AT_ORDER = _now(f"(n - {ORDERS}) * 10 MINUTE")
_AT_ACCEPTANCE = _now(f"(n - {MOST}) * 3 MINUTE")
_AT_MAIL = _now(f"(n - {2 * MANY}) * 10 MINUTE")
_WAITED_FOR = f"1 + n % {WAITED_FOR}"
_COUPON_EXPIRY = _now(f"(n - {FIRST_OPEN_COUPON} + 1) HOUR")
_ENDED = f"n < {FIRST_PARKED}"
_RUNS = f"n BETWEEN {FIRST_RUNNING} AND {FIRST_QUEUED - 1}"
_WAITS = f"n BETWEEN {FIRST_PARKED} AND {FIRST_RUNNING - 1}"
_ASKED = f"({FIRST_REQUEST} - 1 + n)"
"""The job of payment request n."""
_HALF_ASKED = FIRST_PARKED + PARKED // 2
_KEY = (
    f"CASE WHEN n < {FIRST_QUEUED} THEN CONCAT('user:', n) "
    f"WHEN n < {FIRST_FOR_COUPON} THEN CONCAT('user:', n DIV 2) ELSE 'coupon:{HOT_COUPON}' END"
)

_SHOP = [
    _rows("users", MANY, id="n", name="CONCAT('User ', n)", balance=BALANCE),
    _rows(
        "products", MANY, id="n", name="CONCAT('Product ', n)", description="'Plain.'",
        price="1000 + n * 7919 % 500 * 100", stock=STOCK, sales_count="n * 31 % 1000",
        category=f"CONCAT('category ', n % {CATEGORIES})",
    ),
    _rows("stock_movements", MANY, product_id="n", kind="'opening'", quantity=STOCK),
    _rows("carts", MANY, user_id="n", version=1),
    _rows(
        "cart_items", 2 * MANY, id="n", cart_id="(n + 1) DIV 2", product_id=_PRODUCT, quantity=1
    ),
    _rows(
        "coupons", MANY, id="n", name="CONCAT('Coupon ', n)", discount_type="'fixed'",
        discount_value=1_000, max_quantity=COUPON_QUANTITY, issued_quantity=COUPONS_ISSUED,
        expires_at=_COUPON_EXPIRY,
    ),
    _rows(
        "coupon_gates", MANY, coupon_id="n", next_seq=COUPONS_ISSUED, sold_out="n % 3 = 1",
        expires_at=_COUPON_EXPIRY,
    ),
    _rows(
        "user_coupons", FIRST_USED - 1, id="n", coupon_id=HOT_COUPON, user_id="2 * n",
        expires_at=_now("9 DAY"),
    ),
    _rows(
        "user_coupons", FIRST_HELD_BY_REGULAR - FIRST_USED, id=f"{FIRST_USED - 1} + n",
        coupon_id="1 + n % 100", user_id="2 * n", expires_at=_now("-9 DAY"), used_at=f"'{NOW}'",
        used_by_order_id="n",
    ),
    _rows(
        "user_coupons", 600, id=f"{FIRST_HELD_BY_REGULAR - 1} + n", coupon_id=f"{HOT_COUPON} - n",
        user_id=REGULAR, expires_at=_now("IF(n % 20 = 1, -9, 9) DAY"),
        used_at=f"IF(n % 20 = 0, '{NOW}', NULL)",
    ),
    _rows(
        "balance_history", MANY, user_id="n", kind="'opening'", amount=BALANCE, previous_balance=0,
        current_balance=BALANCE,
    ),
    _rows(
        "orders", ORDERS, id="n", user_id=_BUYER, job_id="n", total_amount=2_000,
        discount_amount=0, final_amount=2_000, created_at=_AT_ORDER,
        status="IF(n % 20 = 0, 'CANCELLED', 'COMPLETED')",
    ),
    _rows(
        "order_items", 2 * ORDERS, order_id="(n + 1) DIV 2", product_id=_PRODUCT,
        product_name="'Product'", price=1_000, quantity=1,
    ),
    _rows(
        "payments", ORDERS, order_id="n", user_id=_BUYER, amount=2_000, paid_at=_AT_ORDER,
        refunded_at=f"IF(n % 20 = 0, '{NOW}', NULL)",
    ),
    _rows(
        "stock_movements", 2 * ORDERS, product_id=_PRODUCT, kind="'order'", quantity=-1,
        order_id="(n + 1) DIV 2",
    ),
    _rows(
        "balance_history", ORDERS, user_id=_BUYER, kind="'payment'", amount=-2_000,
        previous_balance=BALANCE, current_balance=BALANCE - 2_000, reference="n", job_id="n",
    ),
    _rows(
        "restock_notifications", MANY, product_id=_WAITED_FOR, user_id="n", after_id="n % 20",
        email="CONCAT('user', n, '@example.org')",
    ),
    _rows(
        "admin_audit", MANY, admin_id=1, action="'coupon.change'", target="n", detail=_JSON
    ),
]

_MACHINERY = [
    _rows(
        "jobs", MOST, id="n", uuid=_UUID, user_id=_ASKER, caller_id=_ASKER, payload=_JSON,
        kind=f"IF(n < {FIRST_FOR_COUPON}, 'order.place', 'coupon.issue')",
        concurrency_key=_KEY, queue_key=f"IF({_ENDED}, NULL, {_KEY})",
        queue_lane=f"IF({_ENDED} OR {_WAITS}, NULL, "
        f"IF(n < {FIRST_FOR_COUPON}, 'users', 'coupons'))",
        seq=f"IF(n < {FIRST_FOR_COUPON}, 0, n)",
        status=f"CASE WHEN {_RUNS} OR {_WAITS} THEN 'running' WHEN NOT ({_ENDED}) THEN 'queued' "
        "WHEN n % 10 = 1 THEN 'failed' WHEN n % 50 = 2 THEN 'cancelled' ELSE 'succeeded' END",
        accepted_at=_AT_ACCEPTANCE,
        started_at=f"IF({_ENDED} OR {_WAITS} OR {_RUNS}, {_AT_ACCEPTANCE}, NULL)",
        finished_at=f"IF({_ENDED}, {_AT_ACCEPTANCE}, NULL)",
        lease_token=f"IF({_RUNS}, {_TOKEN}, NULL)",
        lease_until=f"IF({_RUNS}, "
        + _now(f"IF(n < {FIRST_RUNNING + RUNNING // 2}, -1, 1) HOUR") + ", NULL)",
        claim_hash=f"IF(n % 5 = 0, {_HASH}, NULL)", system_failure="IF(n % 500 = 1, 1, NULL)",
        retry_of="IF(n % 1000 = 502, UNHEX(LPAD(HEX(n - 1), 32, '0')), NULL)",
    ),
    _rows(
        "idempotency_keys", MOST, hash=_HASH, job_uuid=_UUID, body_hash=_HASH,
        expires_at="IF(n % 5 = 0, NULL, " + _now("(n - 2000) * 2 MINUTE") + ")",
    ),
    _rows(
        "outbox_events", MOST, id="n", event_id=_UUID, aggregatetype="'order'",
        aggregateid="n DIV 2", type="'order.completed'", payload=_JSON, created_at=_AT_ACCEPTANCE,
        status=f"CASE WHEN n < {FIRST_DEAD} THEN 'published' "
        f"WHEN n < {FIRST_PENDING} THEN 'dead' ELSE 'pending' END",
        pending_shard=f"IF(n < {FIRST_PENDING}, NULL, CRC32(CONCAT('order:', n DIV 2)) % 16)",
        attempts=f"CASE WHEN n < {FIRST_DEAD} THEN 0 WHEN n < {FIRST_PENDING} THEN 5 "
        "ELSE n % 20 = 0 END",
        next_attempt_at=f"IF(n >= {FIRST_PENDING} AND n % 20 = 0, {_now('1 HOUR')}, NULL)",
        published_at=f"IF(n < {FIRST_DEAD}, {_AT_ACCEPTANCE}, NULL)",
        dead_at=f"IF(n BETWEEN {FIRST_DEAD} AND {FIRST_PENDING - 1}, '{NOW}', NULL)",
    ),
    _rows(
        "order_exports", ORDERS, event_id=_UUID, position="n", order_id="n", payload=_JSON,
        type="'order.completed'", created_at=_AT_ORDER,
        status=f"CASE WHEN n < {FIRST_PENDING_EXPORT} THEN 'synced' "
        f"WHEN n < {FIRST_SENDING} THEN 'pending' ELSE 'sending' END",
        pending_order_id=f"IF(n < {FIRST_PENDING_EXPORT}, NULL, n)",
        next_attempt_at=_now(f"IF(n >= {FIRST_SENDING} AND n % 2, 1, -1) HOUR"),
        lease_token=f"IF(n < {FIRST_SENDING}, NULL, {_TOKEN})",
        lease_until=f"IF(n < {FIRST_SENDING}, NULL, " + _now("IF(n % 2, 1, -1) HOUR") + ")",
        synced_at=f"IF(n < {FIRST_PENDING_EXPORT}, {_AT_ORDER}, NULL)",
    ),
    _rows(
        "lost_events", MANY, event_id=_UUID, aggregatetype="'order'", aggregateid="n",
        type="'order.completed'", payload=_JSON, happened_at=f"'{NOW}'",
    ),
    _rows("back_in_stock", 20, product_id="n"),
    _rows(
        "restock_mails", 2 * MANY, id="n", message_uuid=_UUID, product_id=_WAITED_FOR, user_id="n",
        email=f"IF(n < {FIRST_PENDING_NOTICE}, NULL, CONCAT('user', n, '@example.org'))",
        back_at=f"'{NOW}'",
        status=f"CASE WHEN n < {FIRST_PENDING_NOTICE} THEN 'told' "
        f"WHEN n < {FIRST_SENDING_NOTICE} THEN 'pending' ELSE 'sending' END",
        next_attempt_at=_now(f"IF(n >= {FIRST_SENDING_NOTICE} AND n % 2, 1, -1) HOUR"),
        lease_token=f"IF(n < {FIRST_SENDING_NOTICE}, NULL, {_TOKEN})",
        created_at=_AT_MAIL, ended_at=f"IF(n < {FIRST_PENDING_NOTICE}, {_AT_MAIL}, NULL)",
    ),
    _rows(
        "payment_requests", MANY, job_id=_ASKED, job_uuid=f"UNHEX(LPAD(HEX{_ASKED}, 32, '0'))",
        user_id=1, amount=500, created_at=_now("(n - 7000) MINUTE"),
        status=f"CASE WHEN {_ASKED} >= {FIRST_PARKED} THEN 'asking' "
        f"WHEN {_ASKED} >= {FIRST_VOIDING} THEN 'voiding' "
        f"WHEN {_ASKED} >= {FIRST_APPROVED} THEN 'approved' "
        "WHEN n % 50 = 3 THEN 'declined' ELSE 'booked' END",
        next_attempt_at=f"IF({_ASKED} < {FIRST_VOIDING}, NULL, " + _now("-1 HOUR") + ")",
        held_until=f"IF({_ASKED} BETWEEN {FIRST_PARKED} AND {_HALF_ASKED} - 1, "
        + _now("-1 HOUR") + ", NULL)",
        lease_token=f"IF({_ASKED} BETWEEN {FIRST_PARKED} AND {_HALF_ASKED} - 1, {_TOKEN}, NULL)",
        decided_at=f"IF({_ASKED} >= {FIRST_PARKED}, NULL, " + _now("(n - 7000) MINUTE") + ")",
        reconciled_at=f"IF({_ASKED} < {FIRST_UNRECONCILED}, '{NOW}', NULL)",
    ),
    _rows(
        "payment_differences", MANY, payment_key="CONCAT('p', n)", kind="'unknown-here'",
        detail="''", found_at=f"'{NOW}'", looked_at=f"'{NOW}'",
        open=f"IF(n > {MANY - OPEN_DIFFERENCES}, 1, NULL)",
    ),
    _rows("shard_leases", 16, shard="n - 1", holder="'relay'", lease_until=f"'{NOW}'"),
    _rows("controls", 1, name="'lane.users.paused'", value="'false'"),
    _rows("heartbeats", 2, name="IF(n = 1, 'purge', 'payments')", beat_at=f"'{NOW}'", detail=_JSON),
]


def fill() -> None:
    """Make the shop in an empty schema, and have the optimizer know its sizes."""
    with session():
        execute("CREATE TEMPORARY TABLE numbers (n INT NOT NULL PRIMARY KEY)")
        numbers = list(range(1, MOST + 1))
        execute(f"INSERT INTO numbers VALUES {placeholders(MOST, '(%s)')}", numbers)
        for table, size, columns in (*_SHOP, *_MACHINERY):
            made = ", ".join(columns.values()).replace("%", "%%")
            execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {made} FROM numbers WHERE n <= %s ORDER BY n",
                (size,),
            )
        execute("DROP TEMPORARY TABLE numbers")
        execute(f"ANALYZE TABLE {', '.join(tables())}").fetchall()


def empty() -> None:
    """Take it all away again."""
    with session():
        for table in tables():
            execute(f"TRUNCATE TABLE {table}")


def tables() -> list[str]:
    """The schema's tables, apart from the record of its migrations."""
    return [name for (name,) in rows("SHOW TABLES") if name != "migrations"]
