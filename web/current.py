"""The request at hand and what is noted of it, looked up once: Flask's ``request`` and ``g`` look
them up anew for each attribute, which took some 50 look-ups a request."""

from typing import cast

from flask import Request, g, request
from flask.ctx import _AppCtxGlobals


def this_request() -> Request:
    """What ``flask.request`` stands for now."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]


def notes() -> _AppCtxGlobals:
    """What ``flask.g`` stands for now."""
    return cast(_AppCtxGlobals, g._get_current_object())  # type: ignore[attr-defined]
