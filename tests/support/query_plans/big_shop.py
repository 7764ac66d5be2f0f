"""What there is in a shop that has been open for long.

It has the sizes and proportions of a real one: nearly everything has ended, little is under way,
and some users, coupons and keys have far more than others. It is there to plan queries on: its
ledgers do not add up.
"""

from datetime import UTC, datetime, timedelta

MANY = 6_000
"""Rows of an ordinary table."""
MOST = 24_000
"""Rows of those that grow fastest: jobs, their keys, and outbox events."""
SMALL_TABLES = frozenset({
    "back_in_stock", "controls", "heartbeats", "migrations", "shard_leases",
})
"""Their rows are counted by what runs, not by how long it has run."""

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
BALANCE = 1_000_000
STOCK = 1_000
CATEGORIES = 20

REGULAR = 1
"""A user with a twentieth of all jobs, a tenth of all orders, and hundreds of coupons."""
ORDERS = 2 * MANY
"""One each ten minutes, the last one just now; every twentieth is cancelled."""

HOT_COUPON = MANY
"""The id of a coupon that half of all users hold, and others are waiting for."""
COUPON_QUANTITY = 10_000
COUPONS_ISSUED = MANY // 2
FIRST_OPEN_COUPON = MANY - 300
"""Coupons before it have expired. Every third is sold out: those whose id leaves 1."""
FIRST_USED = MANY // 2 + 1
"""User coupons before it are of :data:`HOT_COUPON` and unused, held by users 2, 4, …; this and the
next are used by orders 1, 2, …"""
FIRST_HELD_BY_REGULAR = MANY + 1
"""User coupons from here on are held by :data:`REGULAR`: some used, some expired."""

FIRST_RUNNING = 22_001
"""Jobs before :data:`FIRST_PARKED` have ended. It and the next :data:`RUNNING` run under
:data:`TOKEN`; the leases of the first half have expired. Every fifth job has a transactionId, so
that its key never expires."""
RUNNING = 256
PARKED = 100
FIRST_PARKED = FIRST_RUNNING - PARKED
"""Charges from here to before :data:`FIRST_RUNNING` wait for the payment provider."""
FIRST_REQUEST = FIRST_RUNNING - MANY
"""Jobs from here to before :data:`FIRST_RUNNING` were asked for at the provider. The parked ones
still are, the first half of them under :data:`TOKEN` and still holding their key."""
FIRST_VOIDING = FIRST_PARKED - 100
FIRST_APPROVED = FIRST_VOIDING - 100
"""Jobs from here on failed although they were approved."""
FIRST_UNRECONCILED = FIRST_APPROVED - 50
OPEN_DIFFERENCES = 100
"""The last of :data:`MANY`."""
FIRST_QUEUED = FIRST_RUNNING + RUNNING
"""Queued for users from here on: job n waits in key ``user:{n // 2}``, so two in each."""
FIRST_FOR_COUPON = 23_001
"""Queued for :data:`HOT_COUPON` from here on."""
TOKEN = b"sixteen bytes ok"

FIRST_DEAD = 21_501
"""Outbox events before it are published."""
FIRST_PENDING = 21_601
"""Events from here on wait; every twentieth for its next attempt, in an hour."""

FIRST_PENDING_EXPORT = 11_001
"""Exports before it are synced."""
FIRST_SENDING = 11_501
"""These are under way under :data:`TOKEN`; the leases of every other one have expired."""

WAITED_FOR = 50
"""Products that somebody waits for: user n waits for product ``1 + n % 50``."""
FIRST_PENDING_NOTICE = 11_001
"""Restock mails before it are told; mail n is to user n, of product ``1 + n % 50``."""
FIRST_SENDING_NOTICE = 11_501
"""These are under way under :data:`TOKEN`; the leases of every other one have expired."""


def days_ago(days: int) -> datetime:
    """The instant so many days before now."""
    return NOW - timedelta(days=days)


def coupon_expiry(coupon_id: int) -> datetime:
    """When a coupon expires: an hour after the one before it."""
    return NOW + timedelta(hours=coupon_id - FIRST_OPEN_COUPON + 1)


def product_of_line(line: int) -> int:
    """The product of cart item ``line`` (two a cart), or of order item ``line`` (two an order)."""
    return 1 + line * 37 % MANY


def uuid_bytes(number: int) -> bytes:
    """The UUID of job, event or export ``number``."""
    return number.to_bytes(16, "big")


def hash_bytes(number: int) -> bytes:
    """The hash of Idempotency-Key ``number``, which names job ``number``."""
    return number.to_bytes(32, "big")
