"""What the services themselves write holds: audit's reading of the tables is theirs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from audit import audit
from commands.seeding import Plan, seed, seed_demo
from domain.cart import service as carts
from domain.catalog import service as catalog
from domain.coupons import issue
from domain.coupons import service as coupons
from domain.jobs.kinds import Status
from domain.jobs.service import cancel as cancel_job
from domain.orders import cancel, place
from domain.ranking import service as ranking
from domain.wallet import charge
from infra.database import execute, rows, session
from infra.settings import settings
from tests.integration.audit.shop import broken
from tests.support.outbox import make_relay
from tests.support.shop import accepted, jobs, submit, work
from tests.support.topics import empty_topics
from tests.support.waiting import eventually

ADMIN = 9


@pytest.fixture(autouse=True)
def _demo_shop(database: None, redis: Redis) -> None:
    empty_topics()
    seed_demo()


def order_ids() -> list[int]:
    with session():
        return [row[0] for row in rows("SELECT id FROM orders ORDER BY id")]


def publish_and_rank() -> None:
    relay = make_relay()
    try:
        while relay.tick():
            pass
    finally:
        relay.close()
    ranking.rebuild()


def test_charges_orders_cancels_and_coupons_hold(redis: Redis) -> None:
    # Given charges (one repeated, one for nobody), and a coupon that six want and four get
    submit(
        charge.command(1, 1, 5_000, "tx-1", None), charge.command(1, 1, 5_000, "tx-1", None),
        charge.command(2, 2, 7_000, None, None), charge.command(404, 404, 1, "tx-2", None),
    )
    with session():
        execute("UPDATE coupons SET max_quantity = 3 WHERE id = 1")
    asked = accepted(*(issue.command(user_id, user_id, 1) for user_id in (1, 2, 3, 4, 5, 1)))
    cancel_job(asked[1])
    work(redis)
    assert [job.status for job in jobs(asked)].count(Status.SUCCEEDED) == 3
    coupons.change(1, 4, None, ADMIN)
    [late] = accepted(issue.command(5, 5, 1))
    # And an order with the coupon, cancelled and made again with it, beside one that is refused
    accepted(place.command(1, 1, coupon_id=1), place.command(2, 2), place.command(3, 3))
    work(redis)
    first = order_ids()[0]
    accepted(cancel.command(1, 1, first), cancel.command(1, 1, first))
    work(redis)
    carts.add(1, 4, 3)
    carts.add(1, 11, 1)
    accepted(place.command(1, 1, coupon_id=1))
    catalog.restock(12, 40, ADMIN)
    work(redis)
    assert jobs([late])[0].status == Status.SUCCEEDED
    assert len(order_ids()) == 3
    # When all is published and the shop is audited
    publish_and_rank()
    report = audit(settings())
    # Then every invariant holds
    assert broken(report) == {}
    assert report.exit_code == 0, report.as_json()
    assert report.findings[5].examined["eventsInKafka"] == report.findings[5].examined["events"]


def test_an_audit_beside_running_work_holds(redis: Redis) -> None:
    # Given a shop at work: charges, orders, cancels, coupons, and a relay
    made = seed(Plan(users=20, products=10, carts=True, coupon_quantity=50), lambda *_: _nothing)
    assert made.users
    assert made.products
    users = range(made.users.first, made.users.last + 1)
    shop = _Shop(redis, users, made.products.first, made.coupons[0])
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(shop.serve), threads.submit(shop.publish)]
        try:
            # When it is audited again and again meanwhile
            reports = [audit(settings()) for _ in range(8)]
            # And once more when there is much to be wrong about
            eventually(lambda: len(order_ids()) > 20, 60, "more than twenty orders")
            reports.append(audit(settings()))
        finally:
            shop.closing.set()
        for one in running:
            one.result(30)
    # Then what is half done is never taken for wrong (nobody projects the ranking here)
    for report in reports:
        assert {number: rules for number, rules in broken(report).items() if number != 7} == {}
        assert not report.findings[6].violations or broken(report)[7] == {"ranking-differs"}
    assert reports[-1].findings[4].examined["orders"] > 20


def _nothing(_: int) -> None:
    """Nobody watches the progress."""


class _Shop:
    """Two threads' work, until it closes."""

    def __init__(self, redis: Redis, users: range, product_id: int, coupon_id: int) -> None:
        self.closing = threading.Event()
        self._redis, self._users = redis, users
        self._product_id, self._coupon_id = product_id, coupon_id

    def serve(self) -> None:
        while not self.closing.is_set():
            for user_id in self._users:
                carts.add(user_id, self._product_id, 1)
            submit(*(issue.command(one, one, self._coupon_id) for one in self._users))
            submit(*(charge.command(one, one, 1_000, None, None) for one in self._users))
            submit(*(place.command(one, one) for one in self._users))
            with session():
                ordered = rows("SELECT user_id, MAX(id) FROM orders GROUP BY user_id")
            submit(*(cancel.command(one, one, order_id) for one, order_id in ordered[::3]))
            work(self._redis)

    def publish(self) -> None:
        relay = make_relay()
        try:
            while not self.closing.is_set():
                relay.tick()
        finally:
            relay.close()


def test_what_is_not_done_yet_is_under_way_and_no_violation(redis: Redis) -> None:
    # Given work accepted and not begun, and events not published
    accepted(charge.command(1, 1, 5_000, None, None))
    work(redis)
    accepted(charge.command(1, 1, 5_000, None, None), issue.command(1, 1, 1))
    ranking.rebuild()
    # When audited, Then it is counted as such
    report = audit(settings())
    assert broken(report) == {}
    assert report.findings[0].under_way["jobsQueued"] == 2
    assert report.findings[5].under_way["eventsPending"] == 1
