"""What the admins' acts look like."""

from typing import Annotated, Any

from pydantic import Field

from web.schemas import Id, Shape
from web.shapes.basics import Count, NextCursor, Timestamp, example

_ACT = {
    "id": 12, "adminId": 9, "action": "product.restock", "target": "product:1",
    "detail": {"productId": 1, "quantity": 50, "stock": 168, "wasOut": False},
    "createdAt": "2026-11-24T09:00:00.000Z",
}


class Act(Shape):
    """What an admin did."""

    model_config = example(**_ACT)

    id: Id
    admin_id: Annotated[Count, Field(description="Who; 0: the command line")]
    action: str
    target: str
    detail: dict[str, Any]
    created_at: Timestamp


class ActPage(Shape):
    model_config = example(acts=[_ACT], nextCursor=None)

    acts: list[Act]
    next_cursor: NextCursor
