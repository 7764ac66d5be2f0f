"""Every error an answer can carry, as application/problem+json (RFC 9457)."""

import peewee
import structlog
from flask import Flask, Response, current_app, g
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from domain.kernel.errors import (
    DomainError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NoSuchThing,
    Unavailable,
)
from infra.database_errors import error_code, is_restartable, is_unavailable

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)


def invalid(detail: str, pointer: str = "", status: int = 422) -> InvalidRequest:
    """COMMON001 for one place of the request; 400, 413 and 415 are its other statuses."""
    problem = InvalidRequest(detail, errors=[{"pointer": pointer, "detail": detail}])
    problem.status = status  # type: ignore[misc]
    return problem


def respond(error: DomainError) -> Response:
    """The answer that says ``error``."""
    body = {**error.problem(), "status": error.status, "traceId": g.get("trace_id", "")}
    response = current_app.response_class(
        current_app.json.dumps(body), status=error.status, mimetype=MEDIA_TYPE
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, section 11.6.1
    return response


def register(app: Flask) -> None:
    """Answer every exception of ``app`` with a problem."""
    app.register_error_handler(DomainError, respond)
    app.register_error_handler(ValidationError, _validation)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(peewee.PeeweeException, _database)
    app.register_error_handler(Exception, _unexpected)


def validation_problem(error: ValidationError) -> Response:
    """COMMON001 with a JSON Pointer (RFC 6901) to each place that is wrong."""
    errors = [
        {"pointer": "".join(f"/{part}" for part in item["loc"]), "detail": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return respond(InvalidRequest(errors=errors))


def _validation(error: ValidationError) -> Response:
    return validation_problem(error)


def _http(error: HTTPException) -> Response:
    if error.response is not None:  # made by ourselves on the way, and complete
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    if status == 404:
        return respond(NoSuchThing())
    if status == 405:
        response = respond(MethodNotAllowed())
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return response
    if 300 <= status < 400:
        return error.get_response()  # type: ignore[return-value]
    if status in (400, 413, 415) or 400 <= status < 500:
        return respond(invalid(error.description or error.name, status=status))
    return _unexpected(error)


def _database(error: peewee.PeeweeException) -> Response:
    if is_restartable(error):
        log.warning("others in the way in the database", error=repr(error))
        return respond(Unavailable("Others are in the way in the database."))
    if is_unavailable(error):
        log.warning("database unavailable", error=repr(error))
        return respond(Unavailable("The database is away or full.", retry_after=2))
    log.error("database error", code=error_code(error), exc_info=error)
    return respond(InternalError())


def _unexpected(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return respond(InternalError())
