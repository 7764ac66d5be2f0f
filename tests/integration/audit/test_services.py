"""What the services themselves write holds: audit's reading of the tables is theirs."""

import pytest
from redis import Redis

from audit import audit
from commands.seeding import seed_demo
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
