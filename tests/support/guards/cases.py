"""Which tests go red when a guard is gone, and which stay green because another one holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.support.guards.guards import UNIQUE_INDEXES, unique


@dataclass(frozen=True)
class Catch:
    """A test that must fail, by an assertion of its own whose words or statement match ``says``."""

    test: str
    says: str


@dataclass(frozen=True)
class Case:
    """Guards taken away together. ``green``: tests that pass all the same, thanks to ``held_by``.

    ``short``: cheap enough to be run with every run of the suite.
    """

    removed: tuple[str, ...]
    caught_by: Sequence[Catch] = ()
    green: Sequence[str] = ()
    held_by: str = ""
    short: bool = False

    @property
    def name(self) -> str:
        return " + ".join(self.removed)

    @property
    def tests(self) -> list[str]:
        return [*dict.fromkeys([*(catch.test for catch in self.caught_by), *self.green])]


def each(test: str, parameters: Iterable[str], says: str) -> list[Catch]:
    """The same of a test with each of these parameters."""
    return [Catch(f"{test}[{parameter}]", says) for parameter in parameters]


INTEGRATION, CONCURRENCY, CHAOS = "tests/integration/", "tests/concurrency/", "tests/chaos/"
ADDS_UP = CONCURRENCY + "test_second_layers.py::test_orders_of_the_same_few_products_add_up"
LATE = INTEGRATION + (
    "test_drain.py::test_a_dead_workers_jobs_are_taken_over_and_a_late_one_is_fenced_off"
)
ROW_LOCKS = CONCURRENCY + "test_row_locks.py::"
MERGED = {
    "carts", "idempotency_keys", "order_exports", "restock_notifications_once",
    "payment_differences", "shard_leases", "controls", "heartbeats", "lost_events",
}
"""Unique indexes by which a second time changes what is there; by the others it is refused."""


def _of_index(table: str, index: str) -> Case:
    guard = unique(table, index, "").name
    name = guard.removeprefix("unique:")
    test = INTEGRATION + "test_done_twice.py::test_the_second_time_"
    catch = (
        Catch(f"{test}adds_nothing[{name}]", r"SELECT COUNT")
        if name in MERGED
        else Catch(f"{test}is_refused[{name}]", "DID NOT RAISE IntegrityError")
    )
    return Case((guard,), [catch, *_MORE.get(name, [])], short=name == "user_coupons_once_a_user")


_MORE = {
    "user_coupons_once_a_user": [
        Catch(
            INTEGRATION + "test_coupon_issue.py::test_the_unique_index_stands_behind_the_rules",
            r"holders\(coupon\) == \[user\]",
        )
    ],
}

CASES = [
    *(_of_index(table, index) for table, index in UNIQUE_INDEXES),
    Case(
        ("affected-rows",),
        [
            *each(
                INTEGRATION + "test_counted_rows.py::test_what_is_not_as_it_was_read_is_refused",
                [
                    "answers.store.keep", "cart.checkout_store.delete_lines",
                    "cart.checkout_store.bump", "catalog.stock_store.write",
                    "catalog.store.write_restock", "coupons.gate_store.close",
                    "coupons.issue_store.write_counts", "coupons.redemption_store.use",
                    "coupons.redemption_store.give_back", "orders.cancel_store.cancel",
                    "orders.cancel_store.refund", "restock.store.move",
                    "restock.store.forget_back", "wallet.store._write_balances",
                ],
                "DID NOT RAISE",
            ),
            *each(
                INTEGRATION
                + "test_order_guards.py::test_what_is_not_as_it_was_read_rolls_all_of_it_back",
                ["stale_stock", "stale_balance", "stale_lines", "stale_version", "stale_coupon"],
                r"effects\(\) == before",
            ),
        ],
        short=True,
    ),
    Case(
        ("for-update",),
        [
            *each(
                CONCURRENCY + "test_order_locks.py::test_the_second_waits_for_the_first",
                ["users", "carts", "orders", "user_coupons", "coupons", "products"],
                r"not had\.wait",
            ),
            *each(
                ROW_LOCKS + "test_the_second_waits_for_the_first",
                [
                    "catalog.store.lock", "catalog.stock_store.hold", "coupons.store.lock",
                    "restock.store.lock", "payments.store.decide", "jobs.intake_store.committed",
                ],
                r"had\.wait",
            ),
            *each(
                ROW_LOCKS + "test_the_second_goes_by",
                ["jobs.claim_store.lock_earliest", "restock.store.lock_back"],
                "assert found in",
            ),
        ],
        green=[ADDS_UP],
        held_by="affected-rows",
        short=True,
    ),
    Case(
        ("for-update", "affected-rows"),
        [Catch(ADDS_UP, r"broken_rules\(\) == \[\]")],
    ),
    Case(
        ("lease-token",),
        [
            *each(
                INTEGRATION + "test_lease_fences.py::"
                "test_a_late_answer_does_not_take_the_place_of_the_first",
                ["succeeded", "refused", "put back"],
                "lease_token FROM jobs",
            ),
            Catch(
                INTEGRATION + "test_lease_fences.py::test_what_was_taken_over_is_not_given_back",
                "give_back",
            ),
        ],
        green=[LATE],
        held_by="unique:balance_history_once_a_job, then lease-look",
        short=True,
    ),
    Case(
        ("lease-token", "unique:balance_history_once_a_job"),
        [Catch(LATE, r"\[200, 200\] == \[100, 100\]")],
    ),
    Case(
        ("lease-look",),
        [
            Catch(
                INTEGRATION + "test_lease_fences.py::test_work_that_was_taken_over_is_not_begun",
                r"begun == \[\]",
            )
        ],
        green=[LATE],
        held_by="lease-token",
    ),
    Case(("lease-look", "lease-token"), [Catch(LATE, r"fenced_writes")]),
    Case(
        ("idempotency-claim",),
        [
            Catch(
                INTEGRATION + "test_intake.py::test_the_same_key_is_the_same_job",
                r"\(first, True\)",
            ),
            Catch(
                INTEGRATION
                + "test_intake.py::test_a_hundred_requests_with_one_key_at_once_make_one_job",
                r"answer\.uuid for answer in answers",
            ),
        ],
        short=True,
    ),
    Case(
        ("idempotency-claim",),
        [Catch("tests/e2e/test_bad_days.py::test_one_idempotency_key_on_two_coupons", "== 422")],
    ),
    Case(
        ("read-back",),
        [Catch(ROW_LOCKS + "test_a_commit_under_way_is_not_missed", r"found == \[uuid\]")],
    ),
    Case(
        ("delivery-report",),
        [
            Catch(
                "tests/unit/outbox/test_courier.py::test_only_what_was_reported_is_confirmed",
                r"outcome\.confirmed == EVENTS\[:1\]",
            )
        ],
        short=True,
    ),
    Case(
        ("delivery-report",),
        each(
            CHAOS + "test_outbox_faults.py::test_a_broker_that_fails_in_the_middle_loses_nothing",
            ["kill", "pause"],
            r"firsts\(\) == committed\(\)",
        ),
    ),
    Case(
        ("lock-order",),
        [
            Catch(
                CONCURRENCY + "test_orders.py::test_two_hundred_orders_of_hot_products_at_once[8]",
                "ER_LOCK_DEADLOCK not in codes",
            )
        ],
        green=[ADDS_UP],
        held_by="restarts",
    ),
    Case(
        ("restarts",),
        [Catch(ROW_LOCKS + "test_a_deadlocks_victim_is_begun_again", r"lost == \[\]")],
    ),
    Case(
        ("lock-order", "restarts"),
        green=[ADDS_UP],
        held_by="the drain, which splits the batch and puts back what is in the way",
    ),
    Case(
        ("key-locks",),
        [
            Catch(
                INTEGRATION + "test_drain.py::test_a_lock_asked_for_twice_by_one_taker_is_taken",
                r"locks\.acquire",
            )
        ],
        green=[
            ADDS_UP, INTEGRATION + "test_drain.py::test_two_workers_on_one_key_do_each_job_once",
        ],
        held_by="the claim, which is a compare-and-set on the job's status",
    ),
    Case(
        ("sweeper",),
        [
            Catch(
                "tests/e2e/test_scheduler.py::"
                "test_its_sweeper_wakes_a_lane_that_nobody_was_told_about",
                "not within 15 s",
            )
        ],
    ),
    Case(
        ("sweeper",),
        [Catch("tests/e2e/test_bad_days.py::test_redis_emptied_with_jobs_queued", "not within")],
    ),
    Case(
        ("ranking-dedupe",),
        [
            Catch(
                INTEGRATION + "test_ranking_projection.py::"
                "test_an_event_that_comes_again_is_not_counted_again",
                r"best_sellers",
            )
        ],
    ),
    Case(
        ("ranking-dedupe",),
        [
            Catch(
                CHAOS + "test_ranking_consumer.py::"
                "test_is_built_unasked_and_follows_orders_cancels_and_repeats",
                "not within 30",
            )
        ],
    ),
    Case(
        ("renumbering",),
        [
            Catch(
                INTEGRATION + "test_reconcile.py::test_no_number_that_others_know_is_given_again",
                r"MAX\(id\)",
            )
        ],
    ),
    Case(
        ("renumbering",),
        [
            Catch(
                CHAOS + "test_restore.py::test_a_backup_that_is_older_than_kafka_and_redis",
                r"set\(orders\)",
            )
        ],
    ),
    Case(
        ("lost-events",),
        [
            Catch(
                INTEGRATION + "test_reconcile.py::test_consumers_pass_by_what_was_lost",
                "SELECT order_id",
            )
        ],
    ),
    Case(
        ("breaker",),
        [
            Catch(
                "tests/unit/kernel/test_breaker.py::"
                "test_opens_at_the_failure_that_fills_the_row_and_closes_by_one_success",
                r"breaker\.closed, breaker\.allowed",
            ),
            Catch(
                INTEGRATION
                + "test_exports_sender.py::test_a_platform_that_is_away_costs_no_export_a_try",
                r"len\(platform\.keys\) <= called \+ 1",
            ),
        ],
    ),
]
