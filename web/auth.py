"""Who asks, and may they: decided once, before any route runs.

Every view says who may call it, by :func:`public`, :func:`user` or :func:`admin`; a test walks all
routes and fails for one that says nothing. The check runs before the body is looked at.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from domain.kernel.errors import InternalError, NotAllowed, NotAuthenticated
from infra.tokens import InvalidToken, Principal, verify

View = TypeVar("View", bound=Callable[..., Any])

_ACCESS = "__access__"
PUBLIC, USER, ADMIN = "public", "user", "admin"


def _grant(access: str) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _ACCESS, access)
        return view

    return mark


public = _grant(PUBLIC)
"""Anybody, without a token."""
user = _grant(USER)
"""Whoever has a token; what they reach is theirs, which the route checks by :func:`may_reach`."""
admin = _grant(ADMIN)
"""Tokens with the scope ``admin``."""


def access_of(endpoint: str) -> str | None:
    """Who may call the view of ``endpoint``; None if it says nothing."""
    return getattr(current_app.view_functions.get(endpoint), _ACCESS, None)


def register(app: Flask) -> None:
    """Check every request of ``app`` before its view."""
    app.before_request(_check)


def _check() -> None:
    if request.endpoint is None:
        return  # nothing is there: 404 or 405 says so
    access = access_of(request.endpoint)
    if access == PUBLIC:
        return
    g.principal = _principal()
    if access is None:
        raise InternalError("This route does not say who may call it.")
    if access == ADMIN and "admin" not in g.principal.scopes:
        raise NotAllowed("This needs an admin's token.")


def _principal() -> Principal:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("Send Authorization: Bearer and a token.")
    try:
        return verify(token.strip())
    except InvalidToken as error:
        raise NotAuthenticated(f"The token is not accepted: {error}.") from None


def principal() -> Principal:
    """Who asks."""
    caller: Principal = g.principal
    return caller


def is_admin() -> bool:
    return "admin" in principal().scopes


def may_reach(user_id: int) -> bool:
    """Whether what belongs to ``user_id`` is the caller's to see."""
    return is_admin() or principal().user_id == user_id


def require_user(user_id: int) -> None:
    """For ``/users/{id}`` and ``?userId=``. Raises NotAllowed for somebody else's."""
    if not may_reach(user_id):
        raise NotAllowed("This is another user's.")


def subject(user_id: int | None) -> int:
    """Whose things a request is about: ``?userId=`` if given, else the caller's own.

    Raises NotAllowed for somebody else's.
    """
    if user_id is None:
        return principal().user_id
    require_user(user_id)
    return user_id
