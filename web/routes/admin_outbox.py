"""The outbox, as operators see it; dead letters are sent again from here."""

from typing import Any, Literal

from domain.operations import service
from domain.outbox import service as outbox
from domain.outbox.errors import NoSuchEvent
from web.api import slice_api
from web.auth import admin, principal
from web.describing import answers, pages
from web.paging import Answer, Listing
from web.schemas import Id, Limit, Path, Query
from web.shapes import operations as shapes

api = slice_api("admin outbox", prefix="/api/admin/outbox")

LISTING = Listing("outbox")


class EventPath(Path):
    event_id: Id


class EventList(Query):
    status: Literal["pending", "published", "dead"] | None = None
    limit: Limit = 20
    cursor: str | None = None


@api.get("", summary="Events, newest first, without what they say")
@admin
@pages(shapes.OutboxEventList)
def list_events(query: EventList) -> Answer:
    before = LISTING.before(query.cursor)
    found = outbox.page(query.status, before, query.limit + 1)
    return LISTING.answer("events", found, query.limit, lambda event: (event["id"],))


@api.post("/<id:eventId>/redrive", summary="Send a dead event again")
@admin
@answers(shapes.OutboxEvent, NoSuchEvent)
def redrive_event(path: EventPath) -> dict[str, Any]:
    """It comes late: after the events of its aggregate that were published meanwhile."""
    return service.redrive(path.event_id, principal().user_id)


@api.post("/redrive", summary="Send all dead events again")
@admin
@answers(shapes.Redriven)
def redrive_all() -> dict[str, int]:
    return {"redriven": service.redrive_all(principal().user_id)}
