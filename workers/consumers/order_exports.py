"""Order events to the external data platform: into the table from Kafka, out of it by HTTP."""

from collections.abc import Callable, Sequence

from domain.exports import service
from domain.exports.sender import Sender
from domain.outbox.events import TOPICS
from infra.data_platform import DataPlatform
from infra.settings import Settings
from workers.consumers.order_events import OrderEvent
from workers.consumers.stream import Stream

GROUP = "order-exports"
_LEASE_MARGIN_SECONDS = 5.0


def sender(settings: Settings) -> Sender:
    """The sending side; it needs no Kafka."""
    platform = DataPlatform(
        settings.data_platform_url,
        timeout=settings.data_platform_timeout,
        connections=settings.data_platform_concurrency,
    )
    return Sender(
        platform,
        concurrency=settings.data_platform_concurrency,
        tries=settings.data_platform_attempts,
        lease_seconds=2 * settings.data_platform_timeout + _LEASE_MARGIN_SECONDS,
    )


def stream(arrived: Callable[[], None]) -> Stream:
    """The Kafka side; ``arrived`` is told after each batch that is in the table."""

    def keep(events: Sequence[OrderEvent]) -> None:
        service.arrive(
            [
                service.Arrival(event.event_id, event.order_id, event.type, event.order)
                for event in events
            ]
        )
        arrived()

    return Stream(GROUP, [TOPICS["order"]], keep)
