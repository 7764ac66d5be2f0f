"""Order events into the live ranking, and a watch that there is one."""

import threading
from collections.abc import Sequence

import structlog

from domain.outbox.events import TOPICS
from domain.ranking import service
from domain.ranking.rules import Sale, day_of
from infra.metrics import consumer_failures
from workers.consumers.order_events import CANCELLED, OrderEvent
from workers.consumers.stream import DEPENDENCY_AWAY, Stream

log = structlog.get_logger(__name__)

GROUP = "ranking"
WATCH_SECONDS = 2.0


def stream() -> Stream:
    return Stream(GROUP, [TOPICS["order"]], count)


def count(events: Sequence[OrderEvent]) -> None:
    zone = service.zone()
    service.count(
        [
            Sale(
                order_id=event.order_id,
                day=day_of(event.created_at, zone),
                quantities=event.quantities,
                taken_back=event.type == CANCELLED,
            )
            for event in events
        ]
    )


def watch(stop: threading.Event) -> None:
    """Look every two seconds whether the ranking has to be rebuilt, and rebuild it, until told."""
    while not stop.wait(WATCH_SECONDS):
        try:
            service.tend()
        except DEPENDENCY_AWAY as error:
            consumer_failures.labels(GROUP).inc()
            log.error("the ranking cannot be looked after", error=repr(error))
