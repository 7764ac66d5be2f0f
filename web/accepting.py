"""How a command is answered: 202 with its job, or its end if the client prefers to wait."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response, current_app, g, request

from domain.admin_audit.service import booked
from domain.jobs import service
from domain.jobs.admission import Accepted
from domain.jobs.keys import idempotency_claim
from domain.jobs.kinds import ENDED, Claim, Command, Status
from domain.jobs.status_store import JobRecord
from domain.kernel.clock import rfc3339
from domain.kernel.ids import uuid7
from domain.kinds import KINDS
from web.auth import is_admin
from web.conditional import private
from web.prefer import wait_seconds
from web.problems import MEDIA_TYPE, invalid
from web.state import state

MAX_KEY = 255


def idempotency_claims(caller_id: int) -> tuple[Claim, ...]:
    """The request's Idempotency-Key, if it has one: exact bytes, 1 to 255 printable ASCII.

    It stands for this method, path, query and body; the body counts as what it says, not as how it
    is spaced. Raises COMMON001 for a key out of bounds.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ()
    if not 1 <= len(key) <= MAX_KEY or not (key.isascii() and key.isprintable()):
        raise invalid("Idempotency-Key must be 1 to 255 printable ASCII characters.")
    target = request.path + "?" + request.query_string.decode("latin-1")
    body = orjson.dumps(request.get_json(), option=orjson.OPT_SORT_KEYS)
    return (idempotency_claim(caller_id, key, request.method, target, body),)


def accept(command: Command) -> Response:
    """Submit ``command`` and answer as the contract's "Accepting work" says.

    What an admin asks for on another user's behalf is written down with its job.
    """
    if is_admin() and command.note is None:
        command = booked(command)
    seconds = wait_seconds(request.headers.get("Prefer"))
    if not seconds:
        return _answer(command, state().intake.submit(command, uuid7()), None, waited=False)
    response = _accept_and_wait(command, seconds)
    response.headers["Preference-Applied"] = f"wait={seconds}"
    return response


def _accept_and_wait(command: Command, seconds: int) -> Response:
    """Register before the job exists, so that its end cannot be missed and need not be read."""
    uuid, waiting = uuid7(), state().waiting
    waiter = waiting.register(uuid)
    try:
        accepted = state().intake.submit(command, uuid)
        if accepted.replayed:
            ended = await_end(accepted.uuid, seconds)
        else:
            ended = waiting.wait(waiter, seconds)
    finally:
        waiting.leave(waiter)
    response = _answer(command, accepted, ended, waited=True)
    response.headers["Link"] = f'</api/jobs/{accepted.uuid}>; rel="monitor"'
    return response


def await_end(uuid: UUID, seconds: float) -> JobRecord | None:
    """Wait for the end of a job that may have ended long ago; None if it does not in time.

    Raises NoSuchThing.
    """
    waiting = state().waiting
    waiter = waiting.register(uuid)
    try:
        job = service.find(uuid)
        return job if job.status in ENDED else waiting.wait(waiter, seconds)
    finally:
        waiting.leave(waiter)


def _answer(
    command: Command, accepted: Accepted, ended: JobRecord | None, waited: bool
) -> Response:
    response = _ended(ended) if ended is not None else _queued(command, accepted, waited)
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _ended(job: JobRecord) -> Response:
    if job.status == Status.SUCCEEDED and job.result is not None:
        kind = KINDS[job.kind]
        result = orjson.loads(job.result)
        response = _json(job.result.encode(), 201 if kind.creates else 200)
        location = kind.location(job.user_id, result)
        response.headers["Content-Location"] = location
        if kind.creates:
            response.headers["Location"] = location
        return response
    if job.error is not None:
        problem = orjson.loads(job.error)
        return _json(job.error.encode(), problem["status"], MEDIA_TYPE)
    return job_response(job)  # cancelled by somebody meanwhile


def _queued(command: Command, accepted: Accepted, waited: bool) -> Response:
    """202 with the job: as it was accepted, or as it stands now if that may be another state."""
    if accepted.replayed or waited:
        body = service.represent(service.find(accepted.uuid))
    else:
        body = {
            "jobId": str(accepted.uuid),
            "kind": accepted.kind,
            "status": str(Status.QUEUED),
            "attempts": 0,
            "acceptedAt": rfc3339(accepted.accepted_at),
            "links": service.links(accepted.uuid, cancellable=True),
        }
        if command.retry_of is not None:
            body["retryOf"] = str(command.retry_of)
    response = _json(orjson.dumps(body), 202)
    response.headers["Location"] = f"/api/jobs/{accepted.uuid}"
    response.headers["Retry-After"] = "1"
    return response


def job_response(job: JobRecord) -> Response:
    """A job as its status endpoint answers it, with Retry-After while it has not ended."""
    response = _json(orjson.dumps(service.represent(job)), 200)
    if job.status not in ENDED:
        response.headers["Retry-After"] = "1"
    return private(response)


def _json(body: bytes, status: int, media_type: str = "application/json") -> Response:
    return current_app.response_class(body, status=status, mimetype=media_type)


def traceparent() -> str | None:
    """The request's trace, to be handed on with its job (W3C Trace Context)."""
    value: Any = g.get("traceparent")
    return value
