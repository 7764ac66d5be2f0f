"""How what is done at once is answered, and its Idempotency-Key honoured."""

from typing import Any

from flask import Response

from domain.answers.service import Answer
from domain.jobs.kinds import Claim
from web.accepting import idempotency_claims
from web.auth import principal


def key_claim() -> Claim | None:
    """The caller's claim to the request's Idempotency-Key, None without one.

    Raises COMMON001 for a key out of bounds.
    """
    return next(iter(idempotency_claims(principal().user_id)), None)


def answered(answer: Answer) -> tuple[dict[str, Any], int, dict[str, str]]:
    """200 with what was done, now or when the key was first sent."""
    return answer.body, 200, _replay(answer)


def created(answer: Answer, location: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """201 with the created thing itself, which is found at ``location``."""
    return answer.body, 201, {"Location": location, **_replay(answer)}


def nothing() -> Response:
    """204: done, and there is nothing to tell."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def _replay(answer: Answer) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if answer.replayed else {}
