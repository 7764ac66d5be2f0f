"""Requests that cannot be read as HTTP, so that no application ever sees them: problems too."""

import os
from http import HTTPStatus

import orjson
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)

from domain.kernel.errors import InternalError, InvalidRequest

_STATUSES = {LimitRequestLine: 414, LimitRequestHeaders: 431, ExpectationFailed: 417}


def status_of(error: BaseException) -> int:
    """400 where the client is at fault, with three finer ones; 500 otherwise."""
    if not isinstance(error, ParseException):
        return 500
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400)


def answer(error: BaseException) -> bytes:
    """The whole answer, after which the connection ends."""
    status, trace = status_of(error), os.urandom(16).hex()
    detail = " ".join(str(error).split()) or "The request cannot be read."
    problem = (
        InternalError() if status == 500
        else InvalidRequest(detail, errors=[{"pointer": "", "detail": detail}])
    )
    body = orjson.dumps({**problem.problem(), "status": status, "traceId": trace})
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"X-Request-Id: {trace}\r\n\r\n"
    )
    return head.encode("ascii") + body
