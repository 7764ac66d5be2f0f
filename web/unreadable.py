"""Requests that cannot be read as HTTP, and so never reach the application."""

import os
from http import HTTPStatus
from typing import Any

import orjson

from domain.kernel.errors import DomainError, InternalError, InvalidRequest

_MEDIA_TYPE = "application/problem+json"
_ABOUT = {
    400: "This is not a well-formed HTTP request.",
    414: "The URL is too long.",
    431: "The headers are too many or too long.",
}


class AsProblem:
    """A client's connection on which gunicorn's page about an error goes out as a problem.

    Gunicorn decides what was wrong and logs it; its page is only read for the status.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, page: bytes) -> None:
        self._connection.sendall(problem(int(page.split(b" ", 2)[1])))


def problem(status: int) -> bytes:
    """The whole HTTP answer to a request that was refused with ``status``."""
    title = HTTPStatus(status).phrase
    detail = _ABOUT.get(status, f"{title}.")
    error: DomainError = InternalError()
    if status < 500:
        error = InvalidRequest(detail, errors=[{"pointer": "", "detail": detail}])
    trace_id = os.urandom(16).hex()
    body = orjson.dumps({**error.problem(), "status": status, "traceId": trace_id})
    head = (
        f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: {_MEDIA_TYPE}\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"X-Request-Id: {trace_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
