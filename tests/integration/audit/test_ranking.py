"""What audit makes of the ranking in Redis."""

from audit import audit
from audit.report import Verdict
from infra.redis import redis as redis_client
from infra.settings import settings
from tests.integration.audit.shop import broken, corrupt


def test_a_changed_ranking_is_named(whole_shop: None) -> None:
    # Given a product that sold one more in Redis than in the orders
    live = redis_client().hget("{ranking}:state", "live").decode()
    day = max(redis_client().scan_iter(f"{{ranking}}:{live}:day:*"))
    member = redis_client().zrange(day, 0, 0)[0]
    redis_client().zincrby(day, -1, member)
    # When audited
    report = audit(settings())
    # Then the day and the product are named
    assert broken(report) == {7: {"ranking-differs"}}
    [example] = report.findings[6].violations[0].examples
    assert example.values["ranking"] == example.values["orders"] + 1
    assert example.values["day"] == day.decode()[-10:]
    assert example.values["productId"] == int(member)


def test_orders_on_their_way_may_be_in_the_ranking_or_not(shop: None) -> None:
    # Given an order of which the ranking knows less than the orders say
    corrupt("UPDATE order_items SET quantity = 2, price = price / 2 WHERE order_id = 21")
    assert "ranking-differs" in broken(audit(settings()))[7]
    # When its event was published only a moment ago, or waits, or is dead
    for state in (
        "published_at = NOW(3)",
        "status = 'pending', pending_shard = 1, published_at = NULL",
        "status = 'dead', pending_shard = NULL, published_at = NULL, dead_at = NOW(3)",
    ):
        corrupt(
            f"UPDATE outbox_events SET {state} WHERE type = 'order.completed' AND aggregateid = 21"
        )
        # Then the ranking may differ by that order's quantity
        assert "ranking-differs" not in broken(audit(settings()))[7]
    # But not by more
    corrupt("UPDATE order_items SET quantity = 3 WHERE order_id = 20")
    assert "ranking-differs" in broken(audit(settings()))[7]


def test_no_live_ranking_is_unchecked(whole_shop: None) -> None:
    # Given a Redis that was emptied, When audited, Then it says that there is nothing to compare
    redis_client().hdel("{ranking}:state", "live")
    report = audit(settings())
    assert report.findings[6].status is Verdict.UNCHECKED
    assert "none is live" in report.findings[6].unchecked[0]
