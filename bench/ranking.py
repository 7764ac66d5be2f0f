"""The best sellers as the shop reads them: from Redis, and from the orders."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from redis import Redis

from fleet.layout import PROJECT

DAYS, LIMIT = 3, 5

# As domain/ranking/store.py has it. {orders} and {items} are for the hints that name the indexes,
# and {join} for the one that keeps the order of the tables.
_SALES = (
    "SELECT i.product_id, SUM(i.quantity) AS sold FROM orders o {orders} "
    "{join} order_items i {items} ON i.order_id = o.id "
    "WHERE o.status = 'COMPLETED' AND o.created_at >= %s AND o.created_at < %s "
    "GROUP BY i.product_id ORDER BY sold DESC, i.product_id LIMIT %s"
)
COVERED = _SALES.format(
    orders="FORCE INDEX (orders_by_status)", join="STRAIGHT_JOIN",
    items="FORCE INDEX (order_items_of_order)",
)
"""What the shop asks."""
FREE = _SALES.format(orders="", join="JOIN", items="")
"""The same, however the database likes to do it."""


class Window:
    """The last days of the shop's calendar, today among them; one that stays as it was made."""

    def __init__(self, zone: ZoneInfo) -> None:
        today = datetime.now(UTC).astimezone(zone).date()
        self.days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        self._zone = zone

    def parameters(self) -> tuple[datetime, datetime, int]:
        """Of :data:`COVERED` and :data:`FREE`."""
        return self._start(self.days[0]), self._start(self.days[-1] + timedelta(days=1)), LIMIT

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone).astimezone(UTC).replace(tzinfo=None)


class SortedSet:
    """The ranking in Redis, read by the shop's own script and in as many commands."""

    def __init__(self, url: str, window: Window) -> None:
        self._client = Redis.from_url(url)
        script = PROJECT / "infra" / "scripts" / "ranking_read.lua"
        self._read = self._client.register_script(script.read_text())
        self._days: Sequence[date] = window.days

    def best_sellers(self) -> list[tuple[int, int]]:
        """(product, quantity). Raises LookupError if there is no ranking."""
        live: Any = self._client.hget("{ranking}:state", "live")
        if live is None:
            raise LookupError("Redis holds no ranking")
        own = f"{{ranking}}:{live.decode()}"
        keys = [
            "{ranking}:state", f"{own}:keys", f"{own}:window:{self._days[-1]}:{DAYS}",
            *(f"{own}:day:{day}" for day in self._days),
        ]
        answer = self._read(keys, [live, LIMIT, 3_600])
        names, scores = answer[::2], answer[1::2]
        return [(int(name), -int(score)) for name, score in zip(names, scores, strict=True)]

    def close(self) -> None:
        self._client.close()
