"""L-sql writes what the workers write: the auditor's rules hold over its rows too."""

import pytest

from bench.limits import queue, sql
from bench.stage import connect
from tests.support.market import broken_rules, given_coupon, given_product, one, put_in_cart
from tests.support.services import TestServices
from tests.support.shop import given_users

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("name", "event"), [
    ("charges", "balance.charged"), ("coupons", "coupon.issued"), ("orders", "order.completed"),
])
def test_the_shortest_sql_has_the_same_effects(
    services: TestServices, name: str, event: str, batch: int
) -> None:
    users = given_users(*[100_000] * 8)
    products = [given_product(stock=100) for _ in range(3)]
    for user in users:
        put_in_cart(user, dict.fromkeys(products, 2))
    coupon = given_coupon(10) if name == "coupons" else 0
    connection = connect(services.urls.database)
    jobs = queue.lay_out(connection, sql.KINDS[name][0], users, coupon)
    connection.close()

    sql._work(services.urls.database, None, name, jobs, batch)

    assert one("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded'") == len(users)
    assert one("SELECT COUNT(*) FROM outbox_events WHERE type = %s", event) == len(users)
    assert broken_rules() == []
