"""What the admins' acts look like."""

from typing import Any

from web.schemas import Shape


class Act(Shape):
    """What an admin did; adminId 0 is the command line."""

    id: int
    admin_id: int
    action: str
    target: str
    detail: dict[str, Any]
    created_at: str


class ActPage(Shape):
    acts: list[Act]
    next_cursor: str | None
