"""If all else failed and something were done twice: the unique indexes that let it be there once.

Each is tried through the product's own statement. It must be the one that refuses, or that makes
the second time change what is there instead of adding to it.
"""

from collections.abc import Callable
from datetime import datetime
from unittest.mock import patch
from uuid import UUID, uuid4

import peewee
import pytest

from domain.cart import store as carts
from domain.catalog import stock_store
from domain.controls import store as controls
from domain.coupons import gate_store, issue_store
from domain.coupons.rules import Discount, DiscountType, Supply
from domain.exports import store as exports
from domain.jobs import intake_store
from domain.jobs.kinds import Admission, Claim, Command, Job
from domain.kinds import KINDS
from domain.orders import cancel_store
from domain.orders import store as orders
from domain.orders.order import OrderLine
from domain.orders.rules import Purchase, Wish
from domain.outbox import store as outbox
from domain.outbox.events import SHARDS
from domain.payments import reconcile_store
from domain.payments import store as payments
from domain.payments.comparison import Difference, Kind
from domain.recovery import store as recovery
from domain.recovery.rules import LostEvent
from domain.restock import store as restock
from domain.wallet import charge
from domain.wallet import store as wallet
from domain.wallet.rules import Account
from infra.database import execute, rows, session, transaction
from tests.support.market import one, select

pytestmark = pytest.mark.usefixtures("database")

AT = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - UTC, as stored
USER, JOB, UUID_ = 1, 5, UUID(int=5)


def a_job(id_: int = JOB, uuid: UUID = UUID_) -> Job:
    payload = {"amount": 1}
    return Job(id_, uuid, charge.NAME, USER, f"user:{USER}", 0, payload, AT, 1, None, None, 0.0)


def insert_job(uuid: UUID, retry_of: UUID | None = None) -> None:
    command = Command(charge.NAME, USER, USER, f"user:{USER}", {}, retry_of=retry_of)
    with patch.object(intake_store, "end_with", execute):
        intake_store.commit_jobs([(uuid, command, Admission())], AT, KINDS)


def place() -> int:
    """An order of the same job; its id."""
    line = OrderLine(1, "thing", 10, 1)
    purchase = Purchase(Wish(JOB, USER, 1, AT), [line], 10, 0, None)
    return orders.insert([purchase])[JOB].id


def cancel_another() -> None:
    """Another order is cancelled by the same job."""
    [(last,)] = rows("SELECT COALESCE(MAX(job_id), 0) FROM orders")
    purchase = Purchase(Wish(last + 1, USER, 1, AT), [OrderLine(1, "x", 10, 1)], 10, 0, None)
    order = orders.insert([purchase])[last + 1]
    cancel_store.cancel([(order.id, JOB)], AT)


def pay() -> None:
    """The payment of the same order."""
    line = OrderLine(1, "thing", 10, 1)
    purchase = Purchase(Wish(JOB, USER, 1, AT), [line], 10, 0, None)
    orders._insert_payments([orders._order(purchase, 3, AT)])


def book() -> None:
    """The charge of the same job."""
    account = Account(USER, 0)
    account.charge(0, None, JOB)
    wallet.write([account], AT)


def issue() -> None:
    """The same coupon for the same user."""
    supply = Supply(1, "drop", Discount(DiscountType.FIXED, 1), 9, 0, AT)
    issue_store.insert([(a_job(), supply)])


REFUSED: dict[tuple[str, str], Callable[[], object]] = {
    ("orders", "orders_once_a_job"): place,
    ("orders", "orders_cancelled_once_a_job"): cancel_another,
    ("payments", "PRIMARY"): pay,
    ("balance_history", "balance_history_once_a_job"): book,
    ("stock_movements", "stock_movements_once_an_order"): (
        lambda: stock_store.insert_movements([(1, "order", -1, 3, AT)])
    ),
    ("user_coupons", "user_coupons_once_a_user"): issue,
    ("cart_items", "cart_items_of_cart"): lambda: carts.insert_line(USER, 1, 1),
    ("coupon_gates", "PRIMARY"): lambda: gate_store.insert(1, None, AT),
    ("jobs", "jobs_by_uuid"): lambda: insert_job(UUID_),
    ("jobs", "jobs_retried_once"): lambda: insert_job(uuid4(), retry_of=UUID_),
    ("payment_requests", "PRIMARY"): lambda: payments.insert([a_job(uuid=uuid4())], 30),
    ("payment_requests", "payment_requests_by_key"): (
        lambda: payments.insert([a_job(int(uuid4().int % 10**9))], 30)
    ),
}

MERGED: dict[tuple[str, str], tuple[Callable[[], object], int]] = {
    ("carts", "PRIMARY"): (lambda: carts.lock(USER), 1),
    ("idempotency_keys", "PRIMARY"): (
        lambda: intake_store.claim_keys([(Claim(b"h" * 32, b"f" * 32), uuid4())]), 1
    ),
    ("order_exports", "PRIMARY"): (
        lambda: exports.arrive([exports.Arrival(UUID_, 1, "order.completed", "{}")]), 1
    ),
    ("restock_notifications", "restock_notifications_once"): (
        lambda: restock.subscribe(1, USER, "kim@example.com"), 1
    ),
    ("payment_differences", "PRIMARY"): (
        lambda: reconcile_store.keep([Difference("key", Kind.AMOUNT, "")]), 1
    ),
    ("shard_leases", "PRIMARY"): (outbox.add_shards, SHARDS),
    ("controls", "PRIMARY"): (lambda: controls.put("read-only", "on"), 1),
    ("heartbeats", "PRIMARY"): (lambda: outbox.beat("relay", "{}"), 1),
    ("lost_events", "PRIMARY"): (
        lambda: recovery.record([LostEvent(b"e" * 16, "order", 1, "order.completed", AT, "{}")]), 1
    ),
}


def named(index: tuple[str, str]) -> str:
    """A primary key by its table, any other index by its own name."""
    return index[0] if index[1] == "PRIMARY" else index[1]


@pytest.mark.parametrize("index", REFUSED, ids=named)
def test_the_second_time_is_refused(index: tuple[str, str]) -> None:
    # Given what was done
    with transaction():
        REFUSED[index]()
    before = select(f"SELECT * FROM {index[0]}")
    # When it is done again, Then this index refuses it
    with pytest.raises(peewee.IntegrityError, match=f"{index[1]}'"), transaction():
        REFUSED[index]()
    assert select(f"SELECT * FROM {index[0]}") == before


@pytest.mark.parametrize("index", MERGED, ids=named)
def test_the_second_time_adds_nothing(index: tuple[str, str]) -> None:
    again, count = MERGED[index]
    for _ in range(2):
        with transaction():
            again()
    assert one(f"SELECT COUNT(*) FROM {index[0]}") == count


def test_every_unique_index_is_tried() -> None:
    # Those of a number that the database gives itself have nothing to refuse.
    with session():
        found = rows(
            "SELECT DISTINCT s.table_name, s.index_name FROM information_schema.statistics s "
            "JOIN information_schema.columns c ON c.table_schema = s.table_schema "
            "AND c.table_name = s.table_name AND c.column_name = s.column_name "
            "WHERE s.table_schema = DATABASE() AND s.non_unique = 0 "
            "AND c.extra NOT LIKE '%%auto_increment%%' AND s.table_name <> 'migrations'"
        )
    assert {tuple(pair) for pair in found} == REFUSED.keys() | MERGED.keys()
