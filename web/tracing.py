"""Each request has an id and a trace, and leaves one line in the log."""

import logging
import os
import re
import time

from flask import Flask, Response, g, request

from infra.logs import LineLog

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")

_WATCHERS = frozenset({"health"})
"""Blueprints whose requests come every few seconds and say nothing."""
_LINES = LineLog("web.access", "web")


def register(app: Flask) -> None:
    """Open and close each request of ``app``."""
    app.before_request(_open)
    app.after_request(_close)


def _open() -> None:
    """Take the caller's trace (W3C Trace Context) and X-Request-Id, or make new ones."""
    g.started = time.perf_counter()
    found = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    g.trace_id = found.group(1) if found and found.group(1) != "0" * 32 else os.urandom(16).hex()
    g.traceparent = f"00-{g.trace_id}-{os.urandom(8).hex()}-01"
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else g.trace_id


def _close(response: Response) -> Response:
    """The line says who asked for which route and what came of it: never a header, query or body,
    where secrets are."""
    response.headers["X-Request-Id"] = g.get("request_id", "")
    caller, rule = g.get("principal"), request.url_rule
    level = logging.DEBUG if request.blueprint in _WATCHERS else logging.INFO
    fields = {
        "method": request.method,
        "route": rule.rule if rule else None,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - g.get("started", 0.0)) * 1000, 1),
        "user": caller.user_id if caller else None,
        "client": request.remote_addr,
        "request_id": g.get("request_id"),
        "trace_id": g.get("trace_id"),
    }
    _LINES.write(level, "request", fields)
    return response
