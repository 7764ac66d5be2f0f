"""Write events in the transaction of their effect."""

from collections.abc import Sequence

from domain.kernel.ids import uuid7
from domain.outbox.events import Event, body_of, shard_of
from infra.database import placeholders, put_off


def append(events: Sequence[Event]) -> None:
    """Insert ``events`` in their order, in the caller's open transaction.

    The caller holds each aggregate's row lock (or has just inserted the aggregate), so that ids
    order the events of one aggregate as they happened.
    """
    if not events:
        return
    params: list[object] = []
    for event in events:
        params += [
            uuid7().bytes, event.aggregate_type, event.aggregate_id, event.type,
            body_of(event).decode(), event.traceparent,
            shard_of(event.aggregate_type, event.aggregate_id),
        ]
    put_off(
        "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
        "traceparent, pending_shard, created_at) VALUES "
        + placeholders(len(events), "(%s,%s,%s,%s,%s,%s,%s,NOW(3))"),
        params,
    )
