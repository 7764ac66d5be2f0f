"""Invariant 7: the live ranking is what the orders say, day by day; so is each product's count.

The ranking is read between two looks at the orders. What changed meanwhile, or is still on its way
(its event is pending or dead, or was published seconds ago), may be in it or not: for each day and
product it may differ by the quantity of those orders, and by nothing else.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from redis.exceptions import RedisError

from audit.report import Finding
from audit.rules import SETTLING, Audited, Invariant, Rule, collect
from infra.redis import connect
from infra.snapshot import Snapshot, snapshot

DAYS = 30
"""How far back the ranking can be asked."""
_ANSWER_SECONDS = 10.0

Quantities = Counter[tuple[date, int]]
"""Quantity by day and product id."""

_SOLD = """
    SELECT i.product_id, SUM(i.quantity) AS sold
    FROM orders o JOIN order_items i ON i.order_id = o.id
    WHERE o.status = 'COMPLETED' AND o.created_at >= %(start)s AND o.created_at < %(end)s
    GROUP BY i.product_id
"""
_UNSETTLED = """
    SELECT o.created_at, i.product_id, i.quantity
    FROM (
        SELECT aggregateid AS id FROM outbox_events
        WHERE aggregatetype = 'order' AND (status <> 'published' OR published_at >= %(since)s)
        UNION SELECT id FROM orders WHERE status = 'COMPLETED' AND created_at >= %(since)s
        UNION SELECT id FROM orders WHERE status = 'CANCELLED' AND cancelled_at >= %(since)s
    ) moving
    JOIN orders o ON o.id = moving.id JOIN order_items i ON i.order_id = o.id
    WHERE o.created_at >= %(start)s
"""


def ranking_equals_orders(audited: Audited, finding: Finding) -> None:
    """Each day's sorted set in Redis holds what completed, uncancelled orders of that day sold."""
    zone = ZoneInfo(audited.settings.shop_timezone)
    today = audited.snapshot.now.replace(tzinfo=UTC).astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS)]
    try:
        ranked = _read_ranking(audited.settings.redis_url, days)
    except RedisError as error:
        finding.unchecked.append(f"ranking: Redis is away ({error})")
        return
    with snapshot(audited.settings.database_url) as later:
        sold = _read_orders(later, days, zone)
        moving = _read_moving(later, audited.snapshot.now - SETTLING, days[-1], zone)
    if ranked is None and sold:
        finding.unchecked.append("ranking: none is live; the consumers build it")
        return
    finding.examined |= {"days": DAYS, "rankedProducts": len(ranked or ())}
    collect(
        finding, "ranking-differs",
        "{day}: product {productId} has {ranking} in the ranking, the orders say {orders}",
        _differences(ranked or Counter(), sold, moving),
    )


def _differences(
    ranked: Quantities, sold: Quantities, moving: Quantities
) -> Iterator[dict[str, Any]]:
    for day, product_id in sorted(ranked.keys() | sold.keys()):
        at = (day, product_id)
        if abs(ranked[at] - sold[at]) > moving[at]:
            yield {
                "day": day.isoformat(), "productId": product_id,
                "ranking": ranked[at], "orders": sold[at],
            }


def _read_ranking(url: str, days: list[date]) -> Quantities | None:
    """The live generation's sorted sets, None if none is live.

    Keys: ``{ranking}:state`` names the live generation, ``{ranking}:<generation>:day:<date>`` is a
    day of it; members are product ids, scores quantities below zero. Raises RedisError.
    """
    client = connect(url, _ANSWER_SECONDS)
    try:
        while True:
            live: Any = client.hget("{ranking}:state", "live")
            if live is None:
                return None
            ranked: Quantities = Counter()
            for day in days:
                key = f"{{ranking}}:{live.decode()}:day:{day}"
                entries: Any = client.zrange(key, 0, -1, withscores=True)
                ranked.update({(day, int(name)): -int(score) for name, score in entries if score})
            if client.hget("{ranking}:state", "live") == live:
                return ranked
    finally:
        client.close()


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a calendar day of the shop, as the database stores instants."""
    return datetime.combine(day, time.min, zone).astimezone(UTC).replace(tzinfo=None)


def _read_orders(look: Snapshot, days: list[date], zone: ZoneInfo) -> Quantities:
    sold: Quantities = Counter()
    for day in days:
        bounds = {"start": _start_of(day, zone), "end": _start_of(day + timedelta(days=1), zone)}
        for row in look.rows(_SOLD, bounds):
            sold[day, row["product_id"]] = int(row["sold"])
    return sold


def _read_moving(look: Snapshot, since: datetime, first: date, zone: ZoneInfo) -> Quantities:
    moving: Quantities = Counter()
    for row in look.rows(_UNSETTLED, {"since": since, "start": _start_of(first, zone)}):
        day = row["created_at"].replace(tzinfo=UTC).astimezone(zone).date()
        moving[day, row["product_id"]] += row["quantity"]
    return moving


RANKING = Invariant(
    7,
    "Ranking",
    examined={
        "orders": "SELECT COUNT(*) FROM orders WHERE status = 'COMPLETED' "
        "AND created_at >= %(now)s - INTERVAL 30 DAY",
    },
    rules=(
        Rule(
            "sales-count",
            """
            SELECT p.id AS productId, p.sales_count AS counted, COALESCE(s.sold, 0) AS sold
            FROM products p LEFT JOIN (
                SELECT i.product_id, SUM(i.quantity) AS sold
                FROM orders o JOIN order_items i ON i.order_id = o.id
                WHERE o.status = 'COMPLETED' GROUP BY i.product_id
            ) s ON s.product_id = p.id
            WHERE p.sales_count <> COALESCE(s.sold, 0)
            """,
            "product {productId} counts {counted} sales, the orders say {sold}",
        ),
    ),
    under_way={
        "ordersSettling": "SELECT COUNT(*) FROM orders WHERE job_id IS NOT NULL "
        "AND created_at >= %(settling)s",
    },
    checks=(ranking_equals_orders,),
)
