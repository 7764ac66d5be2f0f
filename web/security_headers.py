"""Headers that every answer carries, problems too; and CORS, where other origins are let in."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, request
from flask_cors import CORS

from infra.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

API_CONTENT = "default-src 'none'; frame-ancestors 'none'"
"""Data is no page: a browser that is made to show it loads, runs and frames nothing."""
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": API_CONTENT,
    "Cache-Control": "no-store",
}
"""A view that needs others, as a page does, sets them itself, and they stay."""
TRANSPORT = "max-age=31536000; includeSubDomains"

EXPOSED = [
    "Content-Location", "ETag", "Idempotent-Replayed", "Link", "Location", "Preference-Applied",
    "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id",
]
"""What a script of another origin may read, beside what the Fetch standard allows."""
ACCEPTED = [
    "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Prefer", "traceparent",
    "X-Request-Id",
]
PREFLIGHT_SECONDS = 600


def register(app: Flask, settings: Settings) -> None:
    """Put them on every answer of ``app``; to be called before its authentication is registered."""
    app.before_request(_options)
    app.wsgi_app = _Guard(  # type: ignore[method-assign]
        app.wsgi_app, always_secure=settings.strict_transport_security
    )
    if settings.origins:
        CORS(
            app,
            origins=settings.origins,
            methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ACCEPTED,
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_SECONDS,
            send_wildcard=True,
            intercept_exceptions=False,  # problems pass by like every other answer
        )


class _Guard:
    """Completes the headers of every answer: at the very end, where it costs next to nothing."""

    def __init__(self, application: "WSGIApplication", *, always_secure: bool) -> None:
        self._application = application
        self._always_secure = always_secure
        self._guards = [(name.lower(), (name, value)) for name, value in SECURITY.items()]

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        secure = self._always_secure or environ["wsgi.url_scheme"] == "https"

        def start(
            status: str, headers: list[tuple[str, str]], *more: Any
        ) -> Callable[[bytes], object]:
            present = {name.lower() for name, _ in headers}
            headers += [pair for name, pair in self._guards if name not in present]
            if secure:
                headers.append(("Strict-Transport-Security", TRANSPORT))
            return start_response(status, headers, *more)

        return self._application(environ, start)


def _options() -> Response | None:
    """What a route allows is no secret; and a browser asks without a token (Fetch, 4.8)."""
    if request.method == "OPTIONS" and request.endpoint is not None:
        return current_app.make_default_options_response()
    return None
