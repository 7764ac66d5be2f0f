"""Conditional requests (RFC 9110, section 13): what a client has already is not sent again."""

from hashlib import blake2b
from typing import Any

from flask import Response, current_app, request

from web.problems import invalid

_ETAG_BYTES = 16
_READS = ("GET", "HEAD")

PUBLIC = "public, no-cache"
"""Any cache may keep it, and asks here before each use (RFC 9111, section 5.2.2.4): what is shown
is at most as old as our own caches make it, and an admin's change shows at once."""
PRIVATE = "private, no-cache"
"""The caller's own cache may keep it, and asks here before each use."""


def public(answer: Any) -> Response:
    """What a view answers, shown to everybody alike; or 304 for who has it."""
    return revalidated(current_app.make_response(answer), PUBLIC)


def private(response: Response) -> Response:
    """The same for what is shown to its owner only."""
    response.vary.add("Authorization")
    return revalidated(response, PRIVATE)


def revalidated(response: Response, cache_control: str) -> Response:
    """``response``, with a strong ETag made from its very bytes; 304 where If-None-Match names it,
    in a list, as a weak one or by ``*``.

    A 304 keeps the headers that a 200 would have but those about the body, which it has not. What
    is no read is answered as it is. Raises COMMON001 as 412 where If-Match names another.
    """
    if request.method not in _READS:
        return response
    response.headers["Cache-Control"] = cache_control
    etag = blake2b(response.get_data(), digest_size=_ETAG_BYTES).hexdigest()
    response.set_etag(etag)
    if request.if_match and not request.if_match.contains(etag):
        raise invalid("If-Match names another state than the present one.", status=412)
    if request.if_none_match.contains_weak(etag):
        response.status_code = 304
    return response
