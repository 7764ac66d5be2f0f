"""Every guard that can be taken away, what it protects, and how it goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.guards.after_import import Change
from tests.support.guards.removals import delivery, machinery, sql


@dataclass(frozen=True)
class Guard:
    """One guard of the product. ``changes``: modules, and what is done to each on its import."""

    name: str
    protects: str
    removed: str
    changes: Sequence[tuple[str, Change]]


def unique(table: str, index: str, protects: str) -> Guard:
    """A unique index; ``PRIMARY`` where it is the primary key."""
    name = f"unique:{table}" if index == "PRIMARY" else f"unique:{index}"
    removed = "made an ordinary index after migrating"
    change = sql.without_unique_index(name, table, index)
    return Guard(name, protects, removed, [("infra.migrate", change)])


UNIQUE_INDEXES = {
    ("user_coupons", "user_coupons_once_a_user"): "one of a coupon for each user",
    ("orders", "orders_once_a_job"): "one order a job",
    ("orders", "orders_cancelled_once_a_job"): "one cancelled order a job",
    ("balance_history", "balance_history_once_a_job"): "one movement of money a job",
    ("stock_movements", "stock_movements_once_an_order"): "stock moves once for each order line",
    ("payments", "PRIMARY"): "one payment an order",
    ("carts", "PRIMARY"): "one cart a user",
    ("cart_items", "cart_items_of_cart"): "one line a product and cart",
    ("coupon_gates", "PRIMARY"): "one gate a coupon",
    ("jobs", "jobs_by_uuid"): "a job id names one job",
    ("jobs", "jobs_retried_once"): "a failed job is done again once",
    ("idempotency_keys", "PRIMARY"): "a key stands for one job",
    ("order_exports", "PRIMARY"): "an event is exported once, however often Kafka repeats it",
    ("restock_notifications", "restock_notifications_once"): "a user waits once for a product",
    ("payment_requests", "PRIMARY"): "a charge is asked for once",
    ("payment_requests", "payment_requests_by_key"): "a key names one charge at the provider",
    ("payment_differences", "PRIMARY"): "a difference is told of once",
    ("shard_leases", "PRIMARY"): "one leader a shard of the outbox",
    ("controls", "PRIMARY"): "a switch has one value",
    ("heartbeats", "PRIMARY"): "the relay's last word is one row",
    ("lost_events", "PRIMARY"): "an event is lost once",
}

_ALL = [
    *(unique(table, index, protects) for (table, index), protects in UNIQUE_INDEXES.items()),
    Guard(
        "affected-rows",
        "what is written was as it was read",
        "every count of changed rows equals the number that is wanted",
        [("infra.database", sql.without_counting)],
    ),
    Guard(
        "for-update",
        "whoever comes second waits for the first one's end",
        "FOR UPDATE, SKIP LOCKED and IN SHARE MODE cut out of the SQL",
        [("infra.database", sql.without_row_locks)],
    ),
    Guard(
        "lease-token",
        "a worker that lost its lease writes nothing",
        "jobs are ended and put back by id, whatever their token is",
        [("infra.database", sql.without_lease_tokens)],
    ),
    Guard(
        "lease-look",
        "a worker that lost its lease does not begin",
        "jobs count as held without a look",
        [("domain.jobs.claim_store", sql.without_token_look)],
    ),
    Guard(
        "idempotency-claim",
        "one job a key",
        "every request is told that its keys are its own",
        [("domain.jobs.intake_store", machinery.without_key_claims)],
    ),
    Guard(
        "read-back",
        "no “not accepted” of a job that commits after all",
        "an unanswered COMMIT is looked for without a lock",
        [("domain.jobs.intake_store", machinery.without_read_back)],
    ),
    Guard(
        "delivery-report",
        "published is what Kafka confirmed",
        "whatever was handed over counts as confirmed",
        [("domain.outbox.courier", delivery.without_delivery_reports)],
    ),
    Guard(
        "lock-order",
        "orders do not deadlock",
        "products are locked one by one, as the carts name them",
        [
            ("domain.catalog.stock", machinery.without_sorted_shelves),
            ("domain.catalog.stock_store", machinery.with_locks_one_by_one),
        ],
    ),
    Guard(
        "restarts",
        "a deadlock's victim is begun again",
        "a transaction is tried once",
        [("infra.database", machinery.without_restarts)],
    ),
    Guard(
        "sweeper",
        "work that nobody was told about is found",
        "its tick does nothing",
        [("schedulers.job_sweeper", machinery.without_sweeping)],
    ),
    Guard(
        "key-locks",
        "workers stay out of each other's way (saves work, decides nothing)",
        "every worker gets every key in Redis",
        [("infra.key_lock", machinery.without_key_locks)],
    ),
    Guard(
        "ranking-dedupe",
        "an event that comes again is not counted again",
        "the script that counts does not remember orders",
        [("infra.redis", delivery.without_memory)],
    ),
    Guard(
        "renumbering",
        "a number that others know is not given again after a backup was put back",
        "numbering goes on where the backup ends",
        [("infra.numbering", delivery.without_renumbering)],
    ),
    Guard(
        "lost-events",
        "what the database lost is no longer an event to consumers",
        "every event counts as one that is not lost",
        [("domain.recovery.store", delivery.without_lost_events)],
    ),
    Guard(
        "breaker",
        "a service that fails is left alone for a while",
        "no failure is counted",
        [("domain.kernel.breaker", delivery.without_opening)],
    ),
]

GUARDS = {guard.name: guard for guard in _ALL}
