"""Build the ranking from the orders beside the live one, and see that there is a whole one.

Why nothing is lost or counted twice: the new generation is registered first, the orders are read
then. What was committed before is in what is read; the event of what was committed after comes to
a consumer that finds both generations registered and applies it to both. What is met on both ways
is counted once, since each generation remembers the orders it has seen.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from uuid import uuid4

import structlog

from domain.kernel.clock import rfc3339
from domain.ranking import store
from domain.ranking.projection import Busy, Projection, Stale
from domain.ranking.rules import (
    MAX_WINDOW_DAYS,
    REBUILT_DAYS,
    Difference,
    Sale,
    bounds_of,
    day_of,
    differences,
    start_of,
    window,
)
from infra.metrics import ranking_rebuilds

log = structlog.get_logger(__name__)

_IN_FLIGHT_SECONDS = 3.0


class NotBuilt(Exception):
    """There is no live ranking."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """``snapshot_order_id`` was the newest order when the reading of orders began."""

    generation: str
    orders: int
    snapshot_at: datetime
    snapshot_order_id: int
    seconds: float


def rebuild(projection: Projection, zone: tzinfo) -> Rebuilt:
    """Count the orders of the last 31 days into a new generation and make it the live one.

    Raises Busy while somebody else rebuilds, Stale if Redis was emptied or another builder took
    over on the way; the live ranking is untouched then.
    """
    began = time.monotonic()
    server = projection.server()
    generation = uuid4().hex
    state = projection.begin(generation)
    log.info("ranking rebuild begun", generation=generation)
    snapshot_at, newest = store.snapshot()
    first = start_of(window(day_of(datetime.now(UTC), zone), REBUILT_DAYS)[0], zone)
    orders = 0
    for sales in _replay(first, zone):
        projection.apply(sales, state, generation, today=None)
        projection.beat(generation)
        orders += sum(not sale.taken_back for sale in sales)
    done = Rebuilt(generation, orders, snapshot_at, newest, time.monotonic() - began)
    projection.swap(generation, {
        "builtAt": rfc3339(datetime.now(UTC)),
        "snapshotAt": rfc3339(snapshot_at),
        "snapshotOrderId": newest,
        "orders": orders,
        "server": server,
    })
    ranking_rebuilds.inc()
    log.info(
        "ranking rebuilt", generation=generation, orders=orders, seconds=round(done.seconds, 2)
    )
    return done


def _replay(first: datetime, zone: tzinfo) -> Iterator[list[Sale]]:
    # Completed before cancelled: an order goes from the one to the other only, so one that is
    # cancelled meanwhile is met at least once.
    for status in ("COMPLETED", "CANCELLED"):
        for orders in store.orders_since(status, first):
            yield list(_sales(orders, zone, cancelled=status == "CANCELLED"))


def _sales(orders: list[store.Order], zone: tzinfo, *, cancelled: bool) -> Iterator[Sale]:
    for order_id, created_at, quantities in orders:
        day = day_of(created_at, zone)
        yield Sale(order_id, day, quantities)
        if cancelled:
            yield Sale(order_id, day, quantities, taken_back=True)


def drift(projection: Projection, zone: tzinfo) -> list[Difference]:
    """Where the live ranking is not what the orders say, for each day that can be asked for.

    What is on its way through Kafka shows as a difference too. Raises NotBuilt.
    """
    today = day_of(datetime.now(UTC), zone)
    found: list[Difference] = []
    for day in window(today, MAX_WINDOW_DAYS):
        orders = store.quantities(*bounds_of(day, zone))
        live = projection.state().live
        if live is None:
            raise NotBuilt("there is no live ranking; it is being rebuilt, or no consumer runs")
        found += differences(day, orders, projection.quantities(live, day))
    return found


def tend(projection: Projection, zone: tzinfo) -> None:
    """Rebuild if there is no ranking, or if Redis was restarted and lost some of it.

    Redis acknowledges before its file is synced, so a restart may have taken the last writes with
    it; a comparison with the orders tells. Raises RedisError and the database's errors.
    """
    state = projection.state()
    server = projection.server()
    if state.live is not None and state.record.get("server") == server:
        return
    try:
        if state.live is None:
            log.warning("there is no live ranking")
            rebuild(projection, zone)
        elif _lasting(projection, zone):
            log.warning("the ranking lost writes when Redis was restarted")
            rebuild(projection, zone)
        else:
            projection.note({"server": server})
    except Busy:
        return
    except (Stale, NotBuilt) as reason:
        log.warning("ranking rebuild given up, to be begun again", reason=repr(reason))


def _lasting(projection: Projection, zone: tzinfo) -> bool:
    """Whether a difference is there and stays: one that goes was on its way through Kafka."""
    before = _places(drift(projection, zone))
    if not before:
        return False
    time.sleep(_IN_FLIGHT_SECONDS)
    return not before.isdisjoint(_places(drift(projection, zone)))


def _places(found: Iterable[Difference]) -> set[tuple[object, int]]:
    return {(one.day, one.product_id) for one in found}
