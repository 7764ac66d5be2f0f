"""The operators' page, for the networks that may read the metrics."""

from typing import Any

from flask import Response, current_app, request

from domain.kernel.errors import NoSuchThing, NotAllowed
from web.api import public_api
from web.auth import public
from web.describing import answers
from web.networks import require_operators_network
from web.ops import page
from web.ops.figures import BOARD
from web.schemas import Path
from web.shapes.ops import OpsFigures

api = public_api("ops", prefix="/ops")


class FilePath(Path):
    name: str


@api.get("", summary="The operators' page")
@public
@answers(None, NotAllowed, media_type="text/html")
def operators_page() -> Response:
    """How the whole stands, live. For the networks in METRICS_ALLOW."""
    require_operators_network()
    body = page.render(BOARD.figures())
    response = current_app.response_class(body, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = page.POLICY
    return response


@api.get("/figures.json", summary="What the operators' page shows")
@public
@answers(OpsFigures, NotAllowed)
def operators_figures() -> dict[str, Any]:
    """Looked up once a second at most. For the networks in METRICS_ALLOW."""
    require_operators_network()
    return BOARD.figures()


@api.get("/static/<string:name>", doc_ui=False)
@public
def operators_file(path: FilePath) -> Response:
    require_operators_network()
    body = page.file(path.name)
    if body is None:
        raise NoSuchThing
    response = current_app.response_class(body, mimetype=page.FILES[path.name])
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
