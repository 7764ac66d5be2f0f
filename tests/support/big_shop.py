"""A shop that has been open for long: every table that grows holds thousands of rows.

Rows are made by the server from a table of numbers, always the same ones, so that calls can name
what they ask for by the constants here. It is a shop to plan queries on: it has the sizes and the
proportions of a real one (nearly everything has ended, little is under way, some users, coupons and
keys have far more than others) but its ledgers do not add up.
"""

from datetime import UTC, datetime, timedelta

from infra.database import execute, placeholders, rows, session

MANY = 6_000
"""Rows of an ordinary table."""
MOST = 24_000
"""Rows of those that grow fastest: jobs and outbox events."""
SMALL_TABLES = frozenset({"controls", "heartbeats", "migrations", "shard_leases"})
"""Their rows are counted by what runs, not by how long it has run."""

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
BALANCE = 1_000_000
STOCK = 1_000
CATEGORIES = 20

REGULAR = 1
"""The id of a user who has far more orders, jobs, coupons and history than others."""
HOT_COUPON = MANY
"""The id of a coupon that half of all users hold, and others are waiting for."""
COUPON_QUANTITY = 10_000
COUPONS_ISSUED = MANY // 2
FIRST_OPEN_COUPON = MANY - 300
"""Coupons before it have expired."""
ORDERS = 2 * MANY
FIRST_USED = MANY // 2 + 1
"""User coupons before it are of :data:`HOT_COUPON` and unused; this and the next are used by orders
1, 2, …"""
FIRST_HELD_BY_REGULAR = MANY + 1
"""User coupons from here on are held by :data:`REGULAR`: some used, some expired."""
PRODUCTS_OF_CARTS = list(range(4, MANY, 4))
"""Products in the carts of one batch of orders: more than the servers take as a short list."""

FIRST_RUNNING = 22_001
"""Jobs before it have ended. It and the next :data:`RUNNING` run under :data:`TOKEN`; the leases of
the first half have expired."""
RUNNING = 256
FIRST_QUEUED = FIRST_RUNNING + RUNNING
"""Queued for users from here on, two jobs a key."""
FIRST_FOR_COUPON = 23_001
"""Queued for :data:`HOT_COUPON` from here on."""
TOKEN = b"sixteen bytes ok"

FIRST_DEAD = 21_501
"""Outbox events before it are published."""
FIRST_PENDING = 21_601

FIRST_PENDING_EXPORT = 7_001
"""Exports before it are synced."""
FIRST_SENDING = 7_501
"""These are under way under :data:`TOKEN`; the leases of every other one have expired."""


def uuid_bytes(number: int) -> bytes:
    """The UUID of job, event or export ``number``."""
    return number.to_bytes(16, "big")


def hash_bytes(number: int) -> bytes:
    """The hash of Idempotency-Key ``number``, which names job ``number``."""
    return number.to_bytes(32, "big")


def days_ago(days: int) -> datetime:
    """The instant so many days before now."""
    return NOW - timedelta(days=days)


def product_of_line(line: int) -> int:
    """The product of cart item ``line``, and of the line of an order that is as manyeth of all."""
    return 1 + line * 37 % MANY


def coupon_expiry(coupon_id: int) -> datetime:
    """When a coupon that has not expired will."""
    return NOW + timedelta(hours=coupon_id - FIRST_OPEN_COUPON + 1)


_UUID = "UNHEX(LPAD(HEX(n), 32, '0'))"
_HASH = "UNHEX(LPAD(HEX(n), 64, '0'))"
_PRODUCT = f"1 + n * 37 % {MANY}"
_BUYER = f"IF(n % 10 = 0, {REGULAR}, 1 + n % {MANY})"
_ASKER = f"IF(n % 20 = 0, {REGULAR}, 1 + n % {MANY})"
_AT_ORDER = f"'{NOW}' - INTERVAL ({ORDERS} - n) * 10 MINUTE"
_ENDED = f"n < {FIRST_RUNNING}"
_RUNS = f"n BETWEEN {FIRST_RUNNING} AND {FIRST_QUEUED - 1}"
_FOR_COUPON = f"n >= {FIRST_FOR_COUPON}"
_JOB_KEY = (
    f"CASE WHEN {_FOR_COUPON} THEN 'coupon:{HOT_COUPON}' "
    f"WHEN n >= {FIRST_QUEUED} THEN CONCAT('user:', n DIV 2) "
    f"WHEN {_ENDED} AND n % 20 = 0 THEN 'user:{REGULAR}' ELSE CONCAT('user:', n) END"
)
_COUPON_EXPIRY = f"'{NOW}' + INTERVAL (n - {FIRST_OPEN_COUPON} + 1) HOUR"

# Table → how many numbers, columns and what each number n becomes.
_ROWS: list[tuple[str, int, str, str]] = [
    (
        "users", MANY, "id, name, balance", f"n, CONCAT('User ', n), {BALANCE}",
    ),
    (
        "products", MANY, "id, name, description, price, stock, category, sales_count",
        f"n, CONCAT('Product ', n), 'Plain.', 1000 + n * 7919 % 500 * 100, {STOCK}, "
        f"CONCAT('category ', n % {CATEGORIES}), n * 31 % 1000",
    ),
    ("carts", MANY, "user_id, version", "n, 1"),
    (
        "cart_items", 2 * MANY, "id, cart_id, product_id, quantity",
        f"n, (n + 1) DIV 2, {_PRODUCT}, 1",
    ),
    (
        "coupons", MANY,
        "id, name, discount_type, discount_value, max_quantity, issued_quantity, expires_at",
        f"n, CONCAT('Coupon ', n), 'fixed', 1000, {COUPON_QUANTITY}, {COUPONS_ISSUED}, {_COUPON_EXPIRY}",
    ),
    (
        "coupon_gates", MANY, "coupon_id, next_seq, sold_out, expires_at",
        f"n, 2000, n % 3 = 1, {_COUPON_EXPIRY}",
    ),
    (
        "user_coupons", MANY // 2, "id, coupon_id, user_id, expires_at",
        f"n, {HOT_COUPON}, 2 * n, '{NOW}' + INTERVAL 9 DAY",
    ),
    (
        "user_coupons", MANY // 2, "id, coupon_id, user_id, expires_at, used_at, used_by_order_id",
        f"{MANY // 2} + n, 1 + n % 100, 2 * n, '{NOW}' - INTERVAL 9 DAY, '{NOW}', n",
    ),
    (
        "user_coupons", 600, "id, coupon_id, user_id, expires_at, used_at",
        f"{FIRST_HELD_BY_REGULAR - 1} + n, {MANY} - 1 - n, {REGULAR}, "
        f"'{NOW}' + INTERVAL IF(n % 20 = 1, -9, 9) DAY, IF(n % 20 = 0, '{NOW}', NULL)",
    ),
    (
        "orders", ORDERS,
        "id, user_id, job_id, total_amount, discount_amount, final_amount, status, created_at",
        f"n, {_BUYER}, n, 2000, 0, 2000, IF(n % 20 = 0, 'CANCELLED', 'COMPLETED'), {_AT_ORDER}",
    ),
    (
        "order_items", 2 * ORDERS, "order_id, product_id, product_name, price, quantity",
        f"(n + 1) DIV 2, {_PRODUCT}, 'Product', 1000, 1",
    ),
    (
        "payments", ORDERS, "order_id, user_id, amount, paid_at, refunded_at",
        f"n, {_BUYER}, 2000, {_AT_ORDER}, IF(n % 20 = 0, '{NOW}', NULL)",
    ),
    (
        "stock_movements", MANY, "product_id, kind, quantity", f"n, 'opening', {STOCK}",
    ),
    (
        "stock_movements", 2 * ORDERS, "product_id, kind, quantity, order_id",
        f"{_PRODUCT}, 'order', -1, (n + 1) DIV 2",
    ),
    (
        "balance_history", MANY, "user_id, kind, amount, previous_balance, current_balance",
        f"n, 'opening', {BALANCE}, 0, {BALANCE}",
    ),
    (
        "balance_history", ORDERS,
        "user_id, kind, amount, previous_balance, current_balance, reference, job_id",
        f"{_BUYER}, 'payment', -2000, {BALANCE}, {BALANCE} - 2000, n, n",
    ),
    (
        "jobs", MOST,
        "id, uuid, kind, user_id, caller_id, concurrency_key, queue_lane, queue_key, seq, status, "
        "payload, accepted_at, started_at, finished_at, lease_token, lease_until, claim_hash, "
        "system_failure",
        f"n, {_UUID}, IF({_FOR_COUPON}, 'coupon.issue', 'order.place'), {_ASKER}, {_ASKER}, "
        f"{_JOB_KEY}, IF({_ENDED}, NULL, IF({_FOR_COUPON}, 'coupons', 'users')), "
        f"IF({_ENDED}, NULL, {_JOB_KEY}), IF({_FOR_COUPON}, n, 0), "
        f"CASE WHEN {_RUNS} THEN 'running' WHEN NOT ({_ENDED}) THEN 'queued' "
        "WHEN n % 10 = 1 THEN 'failed' WHEN n % 50 = 2 THEN 'cancelled' ELSE 'succeeded' END, "
        f"'{{}}', '{NOW}' - INTERVAL ({MOST} - n) * 3 MINUTE, "
        f"IF({_ENDED} OR {_RUNS}, '{NOW}', NULL), "
        f"IF({_ENDED}, '{NOW}' - INTERVAL ({MOST} - n) * 3 MINUTE, NULL), "
        f"IF({_RUNS}, '{TOKEN.decode()}', NULL), "
        f"IF({_RUNS}, '{NOW}' + INTERVAL IF(n < {FIRST_RUNNING + RUNNING // 2}, -1, 1) HOUR, "
        f"NULL), IF(n % 5 = 0, {_HASH}, NULL), IF(n % 500 = 1, 1, NULL)",
    ),
    (
        "idempotency_keys", MOST, "hash, job_uuid, body_hash, expires_at",
        f"{_HASH}, {_UUID}, {_HASH}, "
        f"IF(n % 5 = 0, NULL, '{NOW}' + INTERVAL (n - 2000) * 2 MINUTE)",
    ),
    (
        "outbox_events", MOST,
        "id, event_id, aggregatetype, aggregateid, type, payload, created_at, status, "
        "pending_shard, attempts, next_attempt_at, published_at, dead_at",
        f"n, {_UUID}, 'order', n DIV 2, 'order.completed', '{{}}', "
        f"'{NOW}' - INTERVAL ({MOST} - n) * 3 MINUTE, "
        f"CASE WHEN n < {FIRST_DEAD} THEN 'published' WHEN n < {FIRST_PENDING} THEN 'dead' "
        "ELSE 'pending' END, "
        f"IF(n < {FIRST_PENDING}, NULL, CRC32(CONCAT('order:', n DIV 2)) % 16), "
        f"IF(n < {FIRST_DEAD}, 0, IF(n < {FIRST_PENDING}, 5, n % 20 = 0)), "
        f"IF(n >= {FIRST_PENDING} AND n % 20 = 0, '{NOW}' + INTERVAL 1 HOUR, NULL), "
        f"IF(n < {FIRST_DEAD}, '{NOW}' - INTERVAL ({MOST} - n) * 3 MINUTE, NULL), "
        f"IF(n BETWEEN {FIRST_DEAD} AND {FIRST_PENDING - 1}, '{NOW}', NULL)",
    ),
    (
        "order_exports", ORDERS,
        "event_id, position, order_id, type, payload, status, pending_order_id, next_attempt_at, "
        "lease_token, lease_until, created_at, synced_at",
        f"{_UUID}, n, n, 'order.completed', '{{}}', CASE WHEN n < {FIRST_PENDING_EXPORT} "
        f"THEN 'synced' WHEN n < {FIRST_SENDING} THEN 'pending' ELSE 'sending' END, "
        f"IF(n < {FIRST_PENDING_EXPORT}, NULL, n), "
        f"'{NOW}' + INTERVAL IF(n >= {FIRST_SENDING} AND n % 2, 1, -1) HOUR, "
        f"IF(n < {FIRST_SENDING}, NULL, '{TOKEN.decode()}'), "
        f"IF(n < {FIRST_SENDING}, NULL, '{NOW}' + INTERVAL IF(n % 2, 1, -1) HOUR), "
        f"{_AT_ORDER}, IF(n < {FIRST_PENDING_EXPORT}, {_AT_ORDER}, NULL)",
    ),
    (
        "restock_notifications", MANY, "product_id, user_id, email",
        f"1 + n % 50, n, CONCAT('user', n, '@example.org')",
    ),
    ("admin_audit", MANY, "admin_id, action, target, detail", "1, 'coupon.change', n, '{}'"),
    ("shard_leases", 16, "shard, holder, lease_until", f"n - 1, 'relay', '{NOW}'"),
    ("heartbeats", 1, "name, beat_at, detail", f"'purge', '{NOW}', '{{}}'"),
]


def fill() -> None:
    """Make the shop in an empty schema, and have the optimizer know its sizes."""
    with session():
        execute("CREATE TEMPORARY TABLE numbers (n INT NOT NULL PRIMARY KEY)")
        execute(
            f"INSERT INTO numbers VALUES {placeholders(MOST, '(%s)')}",
            tuple(range(1, MOST + 1)),
        )
        for table, count, columns, values in _ROWS:
            execute(
                f"INSERT INTO {table} ({columns}) SELECT "
                f"{values.replace('%', '%%')} FROM numbers WHERE n <= %s ORDER BY n",
                (count,),
            )
        execute("DROP TEMPORARY TABLE numbers")
        for table in tables():
            execute(f"ANALYZE TABLE {table}").fetchall()


def tables() -> list[str]:
    """All tables of the schema."""
    return [name for (name,) in rows("SHOW TABLES")]
