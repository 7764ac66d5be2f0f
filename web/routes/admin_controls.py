"""The operators' switches: lanes paused, the front read-only."""

from typing import Any

from domain.controls import service
from web.api import slice_api
from web.auth import admin, principal
from web.describing import answers
from web.read_only import allowed_in_read_only
from web.schemas import Body, Path, example
from web.shapes.controls import Control, ControlList

api = slice_api("admin controls", prefix="/api/admin/controls")


class ControlPath(Path):
    name: str


class ControlBody(Body):
    model_config = example(value=True)

    value: bool


@api.get("", summary="Every switch and how it stands")
@admin
@answers(ControlList)
def list_controls() -> dict[str, Any]:
    return {"controls": service.listing()}


@api.put("/<string:name>", summary="Set a switch")
@admin
@answers(Control)
@allowed_in_read_only
def set_control(path: ControlPath, body: ControlBody) -> dict[str, Any]:
    """Every process follows within a second."""
    return service.change(path.name, body.value, principal().user_id)
