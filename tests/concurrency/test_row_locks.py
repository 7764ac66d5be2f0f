"""Every row lock that the product takes, besides those of orders: the second waits or goes by.

And what a deadlock's victim does, and the look for a commit whose answer was lost.
"""

import ast
import threading
from collections.abc import Callable, Iterator
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest

from domain.catalog import stock_store
from domain.catalog import store as catalog
from domain.coupons import store as coupons
from domain.jobs import claim_store, intake_store
from domain.jobs.kinds import Admission
from domain.kinds import KINDS
from domain.payments import store as payments
from domain.payments.rules import Status
from domain.restock import store as restock
from domain.wallet import charge
from domain.wallet import store as wallet
from fleet.layout import PROJECT
from infra.database import execute, now, run_transaction, transaction
from tests.support.market import given_coupon, given_product, select
from tests.support.rush import at_once
from tests.support.shop import accepted, given_users

pytestmark = pytest.mark.usefixtures("database")

TRIED_WITH_ORDERS = {
    "wallet.store.lock_accounts", "cart.checkout_store.lock", "orders.read_store.lock",
    "coupons.redemption_store.lock", "coupons.issue_store.lock_supplies",
    "catalog.stock_store.lock",
}
"""In test_order_locks."""


@pytest.fixture
def shop() -> UUID:
    """One of each: a product that came back, somebody who waits for it, a coupon, and a charge
    that the provider is asked for; that job's id."""
    [user] = given_users(0)
    product = given_product(5)
    given_coupon(5)
    [uuid] = accepted(charge.command(user, user, 1, None, None))
    with transaction():
        restock.subscribe(product, user, "kim@example.com")
        stock_store.insert_back([product])
        execute(
            "INSERT INTO payment_requests (job_id, job_uuid, user_id, amount, created_at) "
            "SELECT id, uuid, user_id, 1, NOW(3) FROM jobs"
        )
    return uuid


WAITING: dict[str, tuple[Callable[[UUID], object], Callable[[UUID], object]]] = {
    "catalog.store.lock": (lambda _: catalog.lock(1), lambda _: catalog.lock(1)),
    # Who subscribes does not wait for another who does; who moves the stock waits for them.
    "catalog.stock_store.hold": (lambda _: stock_store.hold(1), lambda _: stock_store.lock([1])),
    "coupons.store.lock": (lambda _: coupons.lock(1), lambda _: coupons.lock(1)),
    "restock.store.lock": (lambda _: restock.lock([1]), lambda _: restock.lock([1])),
    "payments.store.decide": (
        lambda _: payments.decide([payments.Decided(1, Status.APPROVED)]),
        lambda _: not payments.decide([payments.Decided(1, Status.DECLINED)]),
    ),
    "jobs.intake_store.committed": (
        lambda uuid: claim_store.lock_earliest({"user:1": 1}),
        lambda uuid: intake_store.committed([uuid]),
    ),
}
"""What the first does in its transaction, and what the second then waits with."""

SKIPPING: dict[str, Callable[[], object]] = {
    "jobs.claim_store.lock_earliest": lambda: claim_store.lock_earliest({"user:1": 1}),
    "restock.store.lock_back": restock.lock_back,
}


@pytest.mark.parametrize("lock", WAITING)
def test_the_second_waits_for_the_first(shop: UUID, lock: str) -> None:
    first, second = WAITING[lock]
    had = threading.Event()

    def come_second() -> None:
        with transaction():
            assert second(shop)
            had.set()

    # Given a transaction that has locked the row
    with transaction():
        assert first(shop)
        # When another one wants it
        thread = threading.Thread(target=come_second)
        thread.start()
        # Then it waits
        assert not had.wait(1.0)
    # And has it as soon as the first one has ended
    assert had.wait(20)
    thread.join(5)


@pytest.mark.parametrize("lock", SKIPPING)
def test_the_second_goes_by(shop: UUID, lock: str) -> None:
    found: list[object] = []

    def come_second() -> None:
        with transaction():
            found.append(SKIPPING[lock]())

    # Given a transaction that has locked the row
    with transaction():
        assert SKIPPING[lock]()
        # When another one looks, Then it finds nothing, at once
        at_once(come_second, seconds=20)
        assert found in ([None], [[]])
    # And everything once the first one has ended
    with transaction():
        assert SKIPPING[lock]()


def test_every_row_lock_is_tried() -> None:
    assert set(locking_functions()) == {*WAITING, *SKIPPING, *TRIED_WITH_ORDERS}


def locking_functions() -> Iterator[str]:
    """``slice.store.function`` of all that lock rows to read them."""
    for path in sorted((PROJECT / "domain").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                texts = [
                    one.value for one in ast.walk(node)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
                if any("FOR UPDATE" in text or "IN SHARE MODE" in text for text in texts):
                    yield f"{path.parent.name}.{path.stem}.{node.name}"


def test_a_commit_under_way_is_not_missed() -> None:
    # Given a job that is inserted, by a transaction whose client has lost it and which is not over
    uuid, inserted, go_on = uuid4(), threading.Event(), threading.Event()
    command = charge.command(1, 1, 1, None, None)

    def committing() -> None:
        with transaction():
            with patch.object(intake_store, "end_with", execute):
                intake_store.commit_jobs([(uuid, command, Admission())], now(), KINDS)
            inserted.set()
            assert go_on.wait(20)

    found: list[object] = []

    def looking() -> None:
        assert inserted.wait(20)
        threading.Timer(0.3, go_on.set).start()
        with transaction():
            found.extend(intake_store.committed([uuid]))

    # When it is looked for, Then the look waits for the end, and finds it
    at_once(committing, looking)
    assert found == [uuid]


def test_a_deadlocks_victim_is_begun_again() -> None:
    # Given two transactions, each of which wants the row that the other has
    first, second = given_users(0, 0)
    both, tries = threading.Barrier(2), list[int]()
    lost: list[BaseException] = []

    def taking(one: int, other: int) -> Callable[[], None]:
        def work() -> None:
            tries.append(one)
            wallet.lock_accounts([one])
            if len(tries) <= 2:
                both.wait(20)
            wallet.lock_accounts([other])
            execute("UPDATE users SET balance = balance + 1 WHERE id IN (%s, %s)", (one, other))

        def run() -> None:
            try:
                run_transaction(work)
            except Exception as error:
                lost.append(error)

        return run

    # When both go on
    at_once(taking(first, second), taking(second, first))
    # Then one of them was begun again, and both are done
    assert lost == []
    assert len(tries) == 3
    assert select("SELECT balance FROM users") == [(2,), (2,)]
