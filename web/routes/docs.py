"""The OpenAPI document, and a page to read it on that needs nothing from the internet."""

from pathlib import Path as Directory

import flask_openapi_swagger
from flask import Response, current_app, request, send_from_directory

from domain.kernel.errors import NoSuchThing
from web.api import public_api
from web.auth import public
from web.describing import answers, conditional
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


@api.get("/openapi.json", summary="This document: OpenAPI 3.1")
@public
@conditional(OpenApiDocument)
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
    response = send_from_directory(_OWN, "index.html", conditional=False, etag=False)
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


@api.get("/docs/<string:asset>", doc_ui=False)
@public
def get_docs_asset(asset: str) -> Response:
    directory = ASSETS.get(asset)
    if directory is None:
        raise NoSuchThing
    return send_from_directory(directory, asset, max_age=_ASSET_SECONDS)
