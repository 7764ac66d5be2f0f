"""What the operators' switches look like."""

from pydantic import Field

from web.schemas import Shape


class Control(Shape):
    name: str = Field(examples=["lane.users.paused"])
    value: bool
    meaning: str
    changed_at: str | None = Field(None, description="RFC 3339; absent if never changed")


class ControlList(Shape):
    controls: list[Control]
