"""How many of a product one user may buy, while that user tries everything at once."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from redis import Redis

from domain.cart import service as cart
from domain.catalog import service as catalog
from domain.jobs.kinds import ENDED, Command, Lane
from domain.jobs.service import find
from domain.orders import cancel, place
from infra.database import execute, session
from tests.support.market import broken_rules, code, given_product, one, put_in_cart, select
from tests.support.ordering import placed
from tests.support.rush import ER_LOCK_DEADLOCK, at_once, meanwhile, restarts
from tests.support.shop import accepted, given_users, jobs, make_drain, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")

LIMIT = 3


def drain(redis: Redis, batch: int) -> Callable[[], None]:
    def run() -> None:
        while make_drain(redis, batch=batch, batch_per_key=batch).run(Lane.USERS):
            pass

    return run


@contextmanager
def workers(redis: Redis, locks_vanish: bool) -> Iterator[None]:
    """Four of them; the locks that keep them from each other's jobs may vanish all the time."""
    others = (redis.flushall,) if locks_vanish else ()
    with meanwhile(*[drain(redis, 1)] * 2, *[drain(redis, 8)] * 2, *others):
        yield


class Greedy:
    """A user who wants as many as there are to be had: one client fills the cart and orders, again
    and again; another orders the same at any time, and cancels what is there to order anew."""

    def __init__(self, user: int, product: int, rounds: int) -> None:
        self.user, self.product, self.rounds = user, product, rounds
        self.jobs: list[UUID] = []
        self.done = 0
        self._lock = threading.Lock()

    def clients(self) -> list[Callable[[], None]]:
        return [self._buy, self._interfere]

    def _buy(self) -> None:
        chance = random.Random(self.user)
        for _ in range(self.rounds):
            cart.clear(self.user)
            cart.add(self.user, self.product, chance.randint(1, 2))
            job = self._send(place.command(self.user, self.user))
            eventually(lambda job=job: find(job).status in ENDED, 60)
            self.done += 1

    def _interfere(self) -> None:
        chance = random.Random(self.user)
        while self.done < self.rounds:
            if chance.random() < 0.5:
                self._cancel_one()
            job = self._send(place.command(self.user, self.user))
            eventually(lambda job=job: find(job).status in ENDED, 60)

    def _send(self, command: Command) -> UUID:
        [job] = accepted(command)
        with self._lock:
            self.jobs.append(job)
        return job

    def _cancel_one(self) -> None:
        for (order,) in select(
            "SELECT id FROM orders WHERE user_id = %s AND status = 'COMPLETED' LIMIT 1", self.user
        ):
            self._send(cancel.command(self.user, self.user, order))


def held_after_each_move(user: int, product: int, after: int = 0) -> list[tuple[int, bool]]:
    """What the user had of the product after each move of its stock, in the order in which the
    product's lock was had; and whether that move was a purchase after the movement ``after``."""
    held, found = 0, []
    for id_, quantity in select(
        "SELECT m.id, m.quantity FROM stock_movements m JOIN orders o ON o.id = m.order_id "
        "WHERE o.user_id = %s AND m.product_id = %s ORDER BY m.id",
        user, product,
    ):
        held -= quantity
        found.append((held, quantity < 0 and id_ > after))
    return found


@pytest.mark.parametrize("locks_vanish", [False, True])
def test_nobody_ever_holds_more_than_the_limit(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, locks_vanish: bool
) -> None:
    # Given a product of which a user may have three, and three users who want more
    product = given_product(10_000, 100, limit=LIMIT)
    users = [Greedy(user, product, 25) for user in given_users(*[10**6] * 3)]
    codes = restarts(monkeypatch)
    # When all of them order and cancel while four workers work
    with workers(redis, locks_vanish):
        at_once(*[client for user in users for client in user.clients()])
    work(redis)
    # Then no order was refused for another reason than there was
    endings = [code(job) for user in users for job in jobs(user.jobs)]
    assert set(endings) <= {"succeeded", "P003", "O003", "O004", "O005"}
    assert {"succeeded", "P003"} <= set(endings)
    assert one("SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED'") > 0
    # And at no moment did any of them have more than three
    for user in users:
        held = [many for many, _ in held_after_each_move(user.user, product)]
        assert max(held) == LIMIT, held
        assert min(held) >= 0
    assert ER_LOCK_DEADLOCK not in codes
    assert broken_rules() == []


def test_a_limit_that_is_lowered_meanwhile_holds_from_then_on(redis: Redis) -> None:
    # Given users of whom each may have ten of a product
    product = given_product(10_000, 100, limit=10)
    users = [Greedy(user, product, 30) for user in given_users(*[10**6] * 3)]
    marks: list[int] = []

    def lower() -> None:
        eventually(lambda: sum(user.done for user in users) >= 40, 60)
        catalog.change(product, {"max_per_user": 2}, admin_id=1)
        marks.append(one("SELECT MAX(id) FROM stock_movements"))

    # When it becomes two while they order
    with workers(redis, locks_vanish=False):
        at_once(*[client for user in users for client in user.clients()], lower)
    work(redis)
    # Then from that commit on nobody buys what makes more than two, whatever they have already
    for user in users:
        moves = held_after_each_move(user.user, product, after=marks[0])
        assert max(held for held, _ in moves) <= 10
        assert [held for held, late in moves if late and held > 2] == []
    assert broken_rules() == []


def test_a_limit_counts_what_is_kept_of_all_times(redis: Redis) -> None:
    # Given a user who has bought three of three, long ago
    [user] = given_users(10_000)
    product = given_product(100, 100, limit=3)
    first, second = placed(redis, user, {product: 2}), placed(redis, user, {product: 1})
    with session():
        execute("UPDATE orders SET created_at = created_at - INTERVAL 400 DAY")

    def buy(quantity: int) -> str:
        cart.clear(user)
        put_in_cart(user, {product: quantity})
        [job] = accepted(place.command(user, user))
        work(redis)
        return code(jobs([job])[0])

    def give_back(order: int) -> None:
        accepted(cancel.command(user, user, order))
        work(redis)

    # Then another one is too many
    assert buy(1) == "P003"
    # When an order is cancelled, Then there is room for what it held, and no more
    give_back(second)
    assert buy(2) == "P003"
    assert buy(1) == "succeeded"
    # When the limit is lowered below what the user has, Then only giving back makes room again
    catalog.change(product, {"max_per_user": 1}, admin_id=1)
    assert buy(1) == "P003"
    give_back(first)
    assert buy(1) == "P003"
    give_back(one("SELECT MAX(id) FROM orders"))
    assert buy(1) == "succeeded"
    # And without a limit all may be had
    catalog.change(product, {"max_per_user": None}, admin_id=1)
    assert buy(50) == "succeeded"
    assert broken_rules() == []
