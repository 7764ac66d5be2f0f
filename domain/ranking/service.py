"""The use cases of the ranking: read it, count into it, rebuild it, compare it with the orders."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from domain.ranking import rebuild as builder
from domain.ranking import store
from domain.ranking.fallback import FromOrders
from domain.ranking.projection import Busy, Projection, Stale, State
from domain.ranking.rebuild import NotBuilt, Rebuilt
from domain.ranking.rules import Difference, Sale, day_of, window
from infra.metrics import ranking_events, ranking_reads
from infra.read_cache import read_cache
from infra.redis import RedisError, redis
from infra.settings import settings

log = structlog.get_logger(__name__)

MAX_LIMIT = 100
_STATE_CHANGES = 10
_TRY_AGAIN_SECONDS = 0.5

_from_orders = FromOrders(MAX_LIMIT)


@lru_cache(maxsize=4)
def _projection_of(client: Any, zone: ZoneInfo) -> Projection:
    return Projection(client, zone)


def zone() -> ZoneInfo:
    """The shop's time zone, whose calendar days are counted."""
    return ZoneInfo(settings().shop_timezone)


def _projection() -> Projection:
    return _projection_of(redis(), zone())


def popular(days: int, limit: int) -> list[dict[str, Any]]:
    """The best sellers of the last ``days`` calendar days, today among them.

    ``[{rank, productId, name, price, stock, category, salesCount}]``; salesCount is the quantity
    in completed, uncancelled orders of the window, ties stand by id. From Redis; from the orders
    where Redis is away or holds no ranking.
    """
    best = _best_sellers(_window(days), limit)
    products = store.products([product_id for product_id, _ in best])
    known = [(products[product_id], sold) for product_id, sold in best if product_id in products]
    return [
        {"rank": rank, **product, "salesCount": sold}
        for rank, (product, sold) in enumerate(known, start=1)
    ]


def popular_lately(days: int, limit: int) -> list[dict[str, Any]]:
    """The same, asked once for all who want it within a second; an admin's change of a product
    shows at once."""
    key = f"{_window(days)[-1]}:{days}:{limit}"
    found: list[dict[str, Any]] = read_cache().get(
        "popular products", key, lambda: popular(days, limit)
    )
    return found


def _window(days: int) -> list[date]:
    return window(day_of(datetime.now(UTC), zone()), days)


def _best_sellers(days: Sequence[date], limit: int) -> list[tuple[int, int]]:
    # What the cache has found spares the first reader here its own, longer time-out.
    if not (_from_orders.redis_is_away() or read_cache().away):
        try:
            found = _projection().best_sellers(days, limit)
        except RedisError as error:
            log.warning("Redis is away, the ranking is read from the orders", error=repr(error))
            _from_orders.redis_failed()
        else:
            if found is not None:
                ranking_reads.labels("ranking").inc()
                return found
    ranking_reads.labels("orders").inc()
    return _from_orders.answer(days, zone())[:limit]


def count(sales: Sequence[Sale]) -> None:
    """Apply order events to the live ranking and to one being built, each event once for ever.

    Without either there is nothing to do: the events' orders are committed, so the rebuild to come
    will read them. Raises RedisError; calling again is harmless.
    """
    projection = _projection()
    for _ in range(_STATE_CHANGES):
        state = projection.state()
        try:
            fresh = _count_into(projection, state, sales)
        except Stale:
            continue
        if fresh is None:
            ranking_events.labels("left to rebuild").inc(len(sales))
        else:
            ranking_events.labels("counted").inc(fresh)
            ranking_events.labels("repeated").inc(len(sales) - fresh)
        return
    raise RedisError("the ranking's state changes faster than it can be written")


def _count_into(projection: Projection, state: State, sales: Sequence[Sale]) -> int | None:
    """How many were new to the foremost generation, None if there is none."""
    today = day_of(datetime.now(UTC), zone())
    fresh = [
        projection.apply(sales, state, generation, today if generation == state.live else None)
        for generation in state.generations()
    ]
    return fresh[0] if fresh else None


def rebuild(patience: float = 0.0) -> Rebuilt:
    """Build the ranking anew from the orders, beside the live one, and swap.

    For ``patience`` seconds it is tried again when somebody else is rebuilding (who may have begun
    before the orders were there that the caller has in mind) or Redis was emptied on the way.
    Raises Busy or Stale after that.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return builder.rebuild(_projection(), zone())
        except (Busy, Stale):
            if time.monotonic() >= end:
                raise
        time.sleep(_TRY_AGAIN_SECONDS)


def forget() -> int:
    """Delete all that Redis holds of the ranking, and return how many keys that were.

    For when the orders themselves have changed their past; a rebuild follows. Raises RedisError.
    """
    return _projection().forget()


def drift() -> list[Difference]:
    """Where the live ranking differs from the orders, events under way included.

    Raises NotBuilt if there is no live ranking, RedisError if Redis is away.
    """
    return builder.drift(_projection(), zone())


def tend() -> None:
    """Rebuild where that is needed; called again and again by those who count."""
    builder.tend(_projection(), zone())


def status() -> dict[str, Any]:
    """``{live, building, builtAt, snapshotAt, snapshotOrderId, orders, …}``, for operators."""
    state = _projection().state()
    return {"live": state.live, "building": state.building, **state.record}


__all__ = [
    "Busy", "NotBuilt", "Rebuilt", "Sale", "Stale", "count", "drift", "forget", "popular",
    "popular_lately", "rebuild", "status", "tend", "zone",
]
