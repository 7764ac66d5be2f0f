"""What admins did, when and to what."""

from typing import Annotated

from pydantic import Field, StringConstraints

from domain.admin_audit import service
from web.api import slice_api
from web.auth import admin
from web.describing import pages
from web.paging import Answer, Listing
from web.schemas import MAX_ID, Limit, Query
from web.shapes.admin_audit import ActPage

api = slice_api("admin audit log", prefix="/api/admin")

LISTING = Listing("audit log")

Action = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9._-]+$"),
    Field(description="As product.restock"),
]


class ActList(Query):
    action: Action | None = None
    admin_id: Annotated[int, Field(ge=0, le=MAX_ID)] | None = Field(
        None, description="Whose; 0: done from the command line"
    )
    limit: Limit = 20
    cursor: str | None = None


@api.get("/audit-log", summary="What admins did, newest first")
@admin
@pages(ActPage)
def list_acts(query: ActList) -> Answer:
    before = LISTING.before(query.cursor)
    found = service.acts(query.action, query.admin_id, before, query.limit + 1)
    return LISTING.answer("acts", found, query.limit, lambda act: (act["id"],))
