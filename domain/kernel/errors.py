"""Business refusals and failures, as the problems of RFC 9457.

A slice declares one subclass a problem code in its ``errors.py``. The same object ends a job
(``jobs.error``) and answers a request (``web.problems``), so both always say the same thing.
"""

from typing import Any, ClassVar, Self


class DomainError(Exception):
    """A request or job that ends in a problem instead of a result.

    ``members`` are the problem's extension members (RFC 9457 section 3.2), JSON-ready and in
    camelCase. ``retry_after`` is in seconds and becomes the ``Retry-After`` header.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self, detail: str | None = None, *, retry_after: int | None = None, **members: Any
    ) -> None:
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.members = members
        super().__init__(self.detail)

    def again(self) -> Self:
        """The same refusal, to be raised for one request more. An exception keeps the frames that
        it was raised through, and would add those of each further request to them."""
        fresh = type(self).__new__(type(self), *self.args)
        fresh.__dict__.update(self.__dict__)
        return fresh

    def problem(self) -> dict[str, Any]:
        """The problem object, without the ``traceId`` that its bearer adds."""
        return {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.members,
        }


class InvalidRequest(DomainError):
    """COMMON001: the request breaks a rule of form; ``errors`` names each place."""

    code, status, title = "COMMON001", 422, "Invalid request"


class NotAuthenticated(DomainError):
    code, status, title = "COMMON002", 401, "No or bad token"


class NotAllowed(DomainError):
    code, status, title = "COMMON003", 403, "Not allowed"


class InternalError(DomainError):
    code, status, title = "COMMON004", 500, "Internal error"


class NoSuchThing(DomainError):
    code, status, title = "COMMON005", 404, "No such thing"


class KeyReused(DomainError):
    """COMMON006: an Idempotency-Key or transactionId that already means something else."""

    code, status, title = "COMMON006", 422, "Key reused for something else"


class TooManyRequests(DomainError):
    code, status, title = "COMMON007", 429, "Too many requests"


class Unavailable(DomainError):
    """COMMON008: overloaded, paused, or a dependency is down; nothing was kept of the request."""

    code, status, title = "COMMON008", 503, "Unavailable, try later"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **members: Any) -> None:
        super().__init__(detail, retry_after=retry_after, **members)


class MethodNotAllowed(DomainError):
    code, status, title = "COMMON009", 405, "Method not allowed"
