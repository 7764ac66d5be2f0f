"""SQL of lost events, and of how far the database goes."""

from collections.abc import Sequence
from datetime import datetime

from domain.recovery.rules import LostEvent
from infra.database import affected, execute, placeholders, rows


def recorded(event_ids: Sequence[bytes]) -> set[bytes]:
    """Those of ``event_ids`` that are known to be lost."""
    found = rows(
        f"SELECT event_id FROM lost_events WHERE event_id IN ({placeholders(len(event_ids))})",
        event_ids,
    )
    return {event_id for (event_id,) in found}


def record(events: Sequence[LostEvent]) -> None:
    """Keep ``events`` as lost; one that is known already stays as it is."""
    params: list[object] = []
    for one in events:
        params += [
            one.event_id, one.aggregate_type, one.aggregate_id, one.type, one.payload,
            one.happened_at,
        ]
    execute(
        "INSERT INTO lost_events "
        "(event_id, aggregatetype, aggregateid, type, payload, happened_at) VALUES "
        + placeholders(len(events), "(%s,%s,%s,%s,%s,%s)")
        + " ON DUPLICATE KEY UPDATE event_id = lost_events.event_id",
        params,
    )


def forget(event_ids: Sequence[bytes]) -> int:
    """Keep those of ``event_ids`` no longer as lost; how many were."""
    return affected(
        f"DELETE FROM lost_events WHERE event_id IN ({placeholders(len(event_ids))})", event_ids
    )


def ends_at() -> tuple[datetime, datetime | None, datetime | None]:
    """The database's clock, when its newest job was accepted, and its newest event was made."""
    [(now, accepted, made)] = rows(
        "SELECT NOW(3), "
        "(SELECT accepted_at FROM jobs WHERE id = (SELECT MAX(id) FROM jobs)), "
        "(SELECT created_at FROM outbox_events WHERE id = (SELECT MAX(id) FROM outbox_events))"
    )
    return now, accepted, made
