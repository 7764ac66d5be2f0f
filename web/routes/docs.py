"""The OpenAPI document, and a page to read it on that needs nothing from the internet."""

from pathlib import Path as Directory

import flask_openapi_swagger
from flask import Response, current_app, request, send_from_directory

from domain.kernel.errors import NoSuchThing
from web.api import public_api
from web.auth import public
from web.describing import answers, with_etag
from web.schemas import Path
from web.shapes.operations import OpenApiDocument

api = public_api("docs", prefix="")

_OWN = Directory(__file__).parent.parent / "docs"
_SWAGGER = Directory(flask_openapi_swagger.__file__).parent / "templates" / "swagger"
ASSETS = {
    "page.css": _OWN,
    "start.js": _OWN,
    "swagger-ui.css": _SWAGGER / "css",
    "swagger-ui-bundle.js": _SWAGGER / "js",
    "swagger.svg": _SWAGGER / "images",
}
"""What the page loads, and the directory of each."""

# Swagger UI draws with images of its own in data: URLs, and runs no script but these files.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSET_SECONDS = 3600


class AssetPath(Path):
    asset: str


@api.get("/openapi.json", summary="This document: OpenAPI 3.1")
@public
@with_etag(OpenApiDocument)
def get_document() -> Response:
    response = current_app.response_class(
        current_app.document_bytes, mimetype="application/json"  # type: ignore[attr-defined]
    )
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@api.get("/docs", summary="This document, readable")
@public
@answers(None, media_type="text/html")
def get_docs() -> Response:
    """Works offline: all that the page loads comes from here."""
    response = current_app.response_class((_OWN / "index.html").read_bytes(), mimetype="text/html")
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


@api.get("/docs/<string:asset>", doc_ui=False)
@public
def get_docs_asset(path: AssetPath) -> Response:
    directory = ASSETS.get(path.asset)
    if directory is None:
        raise NoSuchThing
    response = send_from_directory(directory, path.asset, max_age=_ASSET_SECONDS)
    del response.headers["Content-Disposition"]
    return response
