"""Headers that every answer carries, problems too; and CORS, where other origins are let in."""

from flask import Flask, Response, current_app, request
from flask_cors import CORS

from infra.settings import Settings

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
    always_secure = settings.strict_transport_security

    def complete(response: Response) -> Response:
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        if always_secure or request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", TRANSPORT)
        return response

    app.after_request(complete)
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


def _options() -> Response | None:
    """What a route allows is no secret; and a browser asks without a token (Fetch, 4.8)."""
    if request.method == "OPTIONS" and request.endpoint is not None:
        return current_app.make_default_options_response()
    return None
