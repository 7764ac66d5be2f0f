"""What the server answers by itself, when there is no request for the application, as a problem."""

import os
from http import HTTPStatus

import orjson
import structlog
from gunicorn.http import errors

from domain.kernel.errors import DomainError, InternalError, InvalidRequest
from web.problems import MEDIA_TYPE
from web.security_headers import SECURITY

_STATUSES: dict[type[BaseException], int] = {
    errors.InvalidResponseHeader: 500,
    errors.InvalidResponseHeaderName: 500,
    errors.ConfigurationProblem: 500,
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
    errors.ParseException: 400,
}
"""The first that fits; everything else is a failure of ours."""

log = structlog.get_logger(__name__)


def answer(error: BaseException, client: str) -> bytes:
    """The whole answer to what went wrong for ``client``, an address; and a line in the log.

    Neither says anything of what was sent, which may be a secret as well as an attack.
    """
    status = next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request not answered", client=client, exc_info=error)
        return _written(InternalError(), status)
    log.info("no request", client=client, status=status, error=type(error).__name__)
    detail = f"{HTTPStatus(status).phrase}."
    return _written(InvalidRequest(detail, errors=[{"pointer": "", "detail": detail}]), status)


def _written(error: DomainError, status: int) -> bytes:
    trace_id = os.urandom(16).hex()
    body = orjson.dumps({**error.problem(), "status": status, "traceId": trace_id})
    head = {
        **SECURITY, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)),
        "X-Request-Id": trace_id, "Connection": "close",
    }
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        *(f"{name}: {value}" for name, value in head.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
