"""Each request has an id and a trace, and leaves one line in the log."""

import logging
import random
import re
import time

from flask import Flask, Response

from infra.logs import LineLog
from web.current import notes, this_request

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
    noted, headers = notes(), this_request().headers
    noted.started = time.perf_counter()
    found = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    trace_id = found.group(1) if found and found.group(1) != "0" * 32 else _random_hex(16)
    noted.trace_id = trace_id
    noted.traceparent = f"00-{trace_id}-{_random_hex(8)}-01"
    given = headers.get("X-Request-Id", "")
    noted.request_id = given if _REQUEST_ID.fullmatch(given) else trace_id


def _random_hex(size: int) -> str:
    """So many random bytes. They name something and guard nothing, so the system, which takes
    longer than all else here, is not asked for them; each process has a seed of its own."""
    return random.randbytes(size).hex()  # noqa: S311


def _close(response: Response) -> Response:
    """The line says who asked for which route and what came of it: never a header, query or body,
    where secrets are."""
    noted, request = notes(), this_request()
    response.headers["X-Request-Id"] = noted.get("request_id", "")
    caller, rule = noted.get("principal"), request.url_rule
    level = logging.DEBUG if request.blueprint in _WATCHERS else logging.INFO
    fields = {
        "method": request.method,
        "route": rule.rule if rule else None,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - noted.get("started", 0.0)) * 1000, 1),
        "user": caller.user_id if caller else None,
        "client": request.remote_addr,
        "request_id": noted.get("request_id"),
        "trace_id": noted.get("trace_id"),
    }
    _LINES.write(level, "request", fields)
    return response
