"""The headers that requests and answers bear, as the document tells them."""

from dataclasses import dataclass, replace
from typing import Any

from web.prefer import MAX_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class Header:
    """One header. ``promised``: an answer that is told to have it always has it. ``use`` tells
    several of one name apart."""

    name: str
    description: str
    schema: tuple[tuple[str, Any], ...] = (("type", "string"),)
    promised: bool = True
    use: str = ""

    @property
    def component(self) -> str:
        """Its name among the document's components."""
        parts = (self.name, self.use, "" if self.promised else "maybe")
        return "-".join(part for part in parts if part)

    def told(self) -> dict[str, Any]:
        """The Header Object of an answer."""
        return {
            "description": self.description,
            "required": self.promised,
            "schema": dict(self.schema),
        }

    def asked(self) -> dict[str, Any]:
        """The Parameter Object of a request, which may always do without."""
        return {
            "name": self.name,
            "in": "header",
            "required": False,
            "description": self.description,
            "schema": dict(self.schema),
        }


def maybe(header: Header) -> Header:
    """The header, where an answer may lack it."""
    return replace(header, promised=False)


def _text(pattern: str, **more: Any) -> tuple[tuple[str, Any], ...]:
    return (("type", "string"), ("pattern", pattern), *more.items())


LOCATION = Header("Location", "Where what was made is found", _text("^/"))
CONTENT_LOCATION = Header("Content-Location", "Where the body is found", _text("^/"))
RETRY_AFTER = Header(
    "Retry-After", "Seconds to wait before asking again", (("type", "integer"), ("minimum", 0))
)
MONITOR = Header(
    "Link", "Where the job is polled (with `Prefer: wait`)",
    _text('^</api/jobs/[0-9a-f-]{36}>; rel="monitor"$'), use="monitor",
)
PREFERENCE_APPLIED = Header(
    "Preference-Applied", "The wait that was agreed to (RFC 7240)", _text("^wait=[0-9]+$")
)
REPLAYED = Header(
    "Idempotent-Replayed", "The answer to an earlier request of the same key",
    (("type", "string"), ("const", "true")),
)
ETAG = Header("ETag", "A strong validator (RFC 9110)", _text('^"[^"]*"$'))
CHALLENGE = Header(
    "WWW-Authenticate", "How to authenticate", (("type", "string"), ("const", "Bearer"))
)
REQUEST_ID = Header(
    "X-Request-Id", "The request's own id if it bore one, else its trace id",
    _text(r"^[\x21-\x7e]{1,128}$"),
)

IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "The same key again is answered as the first time, and done once; it lives 24 hours at least",
    (*_text(r"^[\x20-\x7e]*$"), ("minLength", 1), ("maxLength", 255)),
)
PREFER = Header(
    "Prefer",
    f"`wait=N` holds the answer until the job has ended, N seconds (≤ {MAX_WAIT_SECONDS}) at most",
)
NEXT_PAGE = Header(
    "Link", "The other pages of the list (RFC 8288), the next one above all",
    _text('^<[^>]+>; rel="(next|first|prev|last)"'), use="pages",
)
RATE_LIMIT = Header("RateLimit", "What is left of the caller's limits, and for how many seconds")
RATE_LIMIT_POLICY = Header("RateLimit-Policy", "The caller's limits, by class of routes")
ASKED_ID = Header(
    "X-Request-Id",
    "An id of the client's for this request, 1 to 128 visible ASCII characters; others are ignored",
)
TRACEPARENT = Header(
    "traceparent", "The trace that this request is part of (W3C Trace Context); its job and its "
    "events go on with it",
)
IF_MATCH = Header("If-Match", "The ETag that is expected: another is answered 412")
IF_NONE_MATCH = Header("If-None-Match", "The ETag that is known: unchanged is answered 304")

EVERYWHERE: tuple[Header, ...] = (REQUEST_ID, maybe(RATE_LIMIT), maybe(RATE_LIMIT_POLICY))
"""Borne by every answer, problems too; those of limits only where there are any."""
ASKED_EVERYWHERE: tuple[Header, ...] = (ASKED_ID, TRACEPARENT)
"""Read of every request."""
