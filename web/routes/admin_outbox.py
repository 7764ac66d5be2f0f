"""The outbox, as operators see it; dead letters are sent again from here."""

from typing import Any, Literal

from domain.admin_audit.service import record_request
from domain.outbox import service
from domain.outbox.errors import NoSuchEvent
from web import cursors
from web.api import slice_api
from web.auth import admin, principal
from web.describing import answers, pages
from web.schemas import Id, Limit, Path, Query
from web.shapes import operations as shapes

api = slice_api("admin outbox", prefix="/api/admin/outbox")


class EventPath(Path):
    event_id: Id


class EventList(Query):
    status: Literal["pending", "published", "dead"] | None = None
    limit: Limit = 20
    cursor: str | None = None


@api.get("", summary="Events, newest first, without what they say")
@admin
@pages(shapes.OutboxEventList)
def list_events(query: EventList) -> dict[str, Any]:
    position = cursors.decode(query.cursor, int)
    events, following = service.list_events(
        query.status, query.limit, str(position[0]) if position else None
    )
    return {"events": events, "nextCursor": cursors.encode(int(following)) if following else None}


@api.post("/<id:eventId>/redrive", summary="Send a dead event again")
@admin
@answers(shapes.OutboxEvent, NoSuchEvent)
def redrive_event(path: EventPath) -> dict[str, Any]:
    """It comes late: after the events of its aggregate that were published meanwhile."""
    record_request(principal().user_id, "outbox.redrive", f"event:{path.event_id}")
    return service.redrive(path.event_id)


@api.post("/redrive", summary="Send all dead events again")
@admin
@answers(shapes.Redriven)
def redrive_all() -> dict[str, int]:
    record_request(principal().user_id, "outbox.redrive", "event:*")
    return {"redriven": service.redrive_all()}
