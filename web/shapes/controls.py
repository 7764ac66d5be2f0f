"""What the operators' switches look like."""

from web.schemas import Shape
from web.shapes.basics import Timestamp, absent, example

_CONTROL = {
    "name": "lane.users.paused", "value": True,
    "meaning": "Workers leave the jobs of lane users alone; accepting goes on.",
    "changedAt": "2026-11-24T09:00:00.000Z",
}


class Control(Shape):
    model_config = example(**_CONTROL)

    name: str
    value: bool
    meaning: str
    changed_at: Timestamp = absent(description="Absent if never changed")


class ControlList(Shape):
    model_config = example(controls=[_CONTROL])

    controls: list[Control]
