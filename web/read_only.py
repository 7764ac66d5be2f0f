"""While the front is read-only, what would change something is answered 503."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app

from domain.controls.service import read_only
from domain.kernel.errors import Unavailable
from web.current import this_request

View = TypeVar("View", bound=Callable[..., Any])

_ALLOWED = "__allowed_in_read_only__"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
RETRY_SECONDS = 30


def allowed_in_read_only(view: View) -> View:
    """For views that change nothing whatever their method, and for the switch itself."""
    setattr(view, _ALLOWED, True)
    return view


def register(app: Flask) -> None:
    """Check every request of ``app`` before its view, once it is known who asks."""
    app.before_request(_check)


def _check() -> None:
    request = this_request()
    if request.method in _READING or request.endpoint is None or not read_only():
        return
    if not getattr(current_app.view_functions[request.endpoint], _ALLOWED, False):
        raise Unavailable("The shop is read-only for now.", retry_after=RETRY_SECONDS)
