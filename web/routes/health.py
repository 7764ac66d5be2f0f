"""Alive, ready, and counted."""

from typing import Any

from flask import Response, current_app

from domain.kernel.errors import NotAllowed
from web import readiness
from web.api import public_api
from web.auth import public
from web.describing import answers
from web.metrics_page import render
from web.shapes import operations as shapes

api = public_api("health", prefix="")


@api.get("/healthz", summary="Alive")
@public
@answers(shapes.Alive)
def healthz() -> dict[str, str]:
    return {"status": "alive"}


@api.get("/readyz", summary="Each dependency with its state")
@public
@answers(shapes.Readiness, description="Ready")
@answers(shapes.Readiness, status=503, description="Not ready")
def readyz() -> tuple[dict[str, Any], int]:
    """503 if a dependency is down that accepting needs."""
    ready, body = readiness.check()
    return body, 200 if ready else 503


@api.get("/metrics", summary="Prometheus")
@public
@answers(None, NotAllowed, media_type="text/plain")
def metrics() -> Response:
    """To loopback only."""
    body, content_type = render()
    return current_app.response_class(body, content_type=content_type)
