"""Calls of the stores of the ranking, of the purge, of what was lost, and of what admins did."""

from domain.ranking.rules import MAX_WINDOW_DAYS
from domain.recovery.rules import LostEvent
from domain.retention.rules import TABLES
from tests.support.query_plans.big_shop import NOW, days_ago, uuid_bytes
from tests.support.query_plans.stores import Calls, calls_of, given, ids

PURGED = 1_000
"""Rows in one batch of the purge."""
_DAYS = 30
_WHOLE_WINDOW = (
    "sums all orders of its days, in indexes alone; while Redis is away, and once a second at most"
)

RANKING: Calls = calls_of(
    "domain.ranking.store",
    best_sellers=[
        given(days_ago(MAX_WINDOW_DAYS), NOW, 100, sorts=_WHOLE_WINDOW, reads=_WHOLE_WINDOW),
        given(days_ago(3), NOW, 100, reads=_WHOLE_WINDOW),
    ],
    quantities=[given(days_ago(2), days_ago(1))],
    orders_since=[
        given(status, days_ago(MAX_WINDOW_DAYS)) for status in ("COMPLETED", "CANCELLED")
    ],
    snapshot=[given()],
    products=[given(ids(1, 101))],
)

RETENTION: Calls = calls_of(
    "domain.retention.store",
    window=[given(table, after, _DAYS, PURGED) for table in TABLES for after in (0, 2_000)],
    delete=[given(table, ids(1, PURGED + 1), _DAYS) for table in TABLES],
    delete_expired_keys=[given(PURGED)],
    settled=[given()],
    remember=[given({"jobs": 1})],
)

CONTROLS: Calls = calls_of(
    "domain.controls.store", find_all=[given()], put=[given("read-only", "true")]
)

RECOVERY: Calls = calls_of(
    "domain.recovery.store",
    recorded=[given([uuid_bytes(n) for n in range(1, 501)])],
    record=[given([
        LostEvent(uuid_bytes(1_000_000 + n), "order", n, "order.completed", NOW, "{}")
        for n in range(500)
    ])],
    forget=[given([uuid_bytes(n) for n in range(1, 501)])],
    ends_at=[given()],
)

OPERATIONS: Calls = calls_of(
    "domain.operations.store", heartbeats=[given()]
)

ADMIN_AUDIT: Calls = calls_of(
    "domain.admin_audit.store",
    insert=[given(1, "coupon.change", "coupon:6", "{}")],
    page=[
        given(action, admin_id, before, 21)
        for action in (None, "coupon.change")
        for admin_id in (None, 1)
        for before in (None, 3_000)
    ],
)
