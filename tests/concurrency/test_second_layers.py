"""What must hold even where workers are in each other's way: every job ends, and all adds up.

The tests beside this one say that nobody is in another's way. Here it may be otherwise; the guards
that each stand behind another one are seen by taking the first away (tests/support/guards).
"""

import random
from collections.abc import Callable

import pytest
from redis import Redis

from domain.jobs.kinds import Lane
from domain.orders import place
from domain.wallet import charge
from infra.database import execute, session, transaction
from tests.support.market import broken_rules, code, given_product, put_in_cart, select
from tests.support.rush import at_once
from tests.support.shop import accepted, given_users, jobs, make_drain

pytestmark = pytest.mark.usefixtures("database")


def working(redis: Redis, batch: int) -> Callable[[], None]:
    """A worker that goes on until every job has ended; what was put back is due at once."""

    def run() -> None:
        while select("SELECT 1 FROM jobs WHERE queue_lane IS NOT NULL LIMIT 1"):
            make_drain(redis, batch=batch, batch_per_key=batch).run(Lane.USERS)
            with session():
                execute("UPDATE jobs SET due_at = NOW(3) WHERE due_at > NOW(3)")

    return run


def test_orders_of_the_same_few_products_add_up(redis: Redis) -> None:
    # Given users with carts of four products in any order, and money for some of them
    chance = random.Random(4)
    products = [given_product(stock, 100) for stock in (20, 60, 10_000, 10_000)]
    with transaction():
        users = given_users(*[chance.choice([150, 5_000, 5_000]) for _ in range(120)])
    for user in users:
        wanted = chance.sample(products, 3)
        put_in_cart(user, {product: chance.randint(1, 2) for product in wanted})
    uuids = accepted(
        *[charge.command(user, user, 50, None, None) for user in users],
        *[place.command(user, user) for user in users],
    )
    # When four workers do them in small batches, over and over until all have ended
    at_once(*[working(redis, 8)] * 4)
    # Then each ended for a reason that there was, and stock and money are what that left of them
    assert broken_rules() == []
    assert {code(job) for job in jobs(uuids)} == {"succeeded", "P002", "PAY001"}
