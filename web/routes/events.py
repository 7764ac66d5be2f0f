"""What the Kafka topics carry, as a document."""

from functools import cache
from typing import Any

import orjson
from flask import Response, current_app
from pydantic import ConfigDict

from domain.event_types import EVENT_TYPES
from domain.outbox.asyncapi import document
from web.api import public_api
from web.auth import public
from web.describing import answers
from web.schemas import Shape

api = public_api("events", prefix="")


class AsyncApiDocument(Shape):
    """An AsyncAPI 3.0 document."""

    model_config = ConfigDict(extra="allow")

    asyncapi: str
    info: dict[str, Any]
    channels: dict[str, Any]
    operations: dict[str, Any]
    components: dict[str, Any]


@cache
def _document() -> bytes:
    from web.app import VERSION  # which imports the routes

    return orjson.dumps(document(EVENT_TYPES, VERSION))


@api.get("/asyncapi.json", summary="The Kafka topics, as AsyncAPI 3.0")
@public
@answers(AsyncApiDocument)
def asyncapi() -> Response:
    """Channels, messages and payloads of the events that follow the jobs."""
    return current_app.response_class(_document(), mimetype="application/json")
