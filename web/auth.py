"""Who asks, and may they: decided once, before any route runs.

Every view says who may call it, by :func:`public`, :func:`user`, :func:`user_or_payments` or
:func:`admin`; a test walks all routes and fails for one that says nothing. The check runs before
the body is looked at.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app

from domain.kernel.errors import InternalError, NotAllowed, NotAuthenticated, Unavailable
from infra.key_set import KeysUnavailable
from infra.tokens import InvalidToken, Principal, verify
from web.current import notes, this_request

View = TypeVar("View", bound=Callable[..., Any])

_ACCESS = "__access__"
PUBLIC, USER, USER_OR_PAYMENTS, ADMIN = "public", "user", "user or payments", "admin"
_SCOPES = {
    USER: frozenset({"user", "admin"}),
    USER_OR_PAYMENTS: frozenset({"user", "payments", "admin"}),
    ADMIN: frozenset({"admin"}),
}
"""The scopes of which a token needs one."""


def _grant(access: str) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _ACCESS, access)
        return view

    return mark


public = _grant(PUBLIC)
"""Anybody, without a token."""
user = _grant(USER)
"""Users and admins; what users reach is theirs, which the route checks by :func:`may_reach`."""
user_or_payments = _grant(USER_OR_PAYMENTS)
"""Also services that charge balances: tokens with the scope ``payments``."""
admin = _grant(ADMIN)
"""Tokens with the scope ``admin``."""


def access_of(endpoint: str) -> str | None:
    """Who may call the view of ``endpoint``; None if it says nothing."""
    return getattr(current_app.view_functions.get(endpoint), _ACCESS, None)


def register(app: Flask) -> None:
    """Check every request of ``app`` before its view."""
    app.before_request(_check)


def _check() -> None:
    request = this_request()
    if request.endpoint is None:
        return  # nothing is there: 404 or 405 says so
    access = access_of(request.endpoint)
    if access == PUBLIC:
        return
    caller = notes().principal = _principal(request.headers.get("Authorization", ""))
    if access is None:
        raise InternalError("This route does not say who may call it.")
    if not _SCOPES[access] & caller.scopes:
        raise NotAllowed(f"This needs a token with the scope {access}.")


def _principal(authorization: str) -> Principal:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("Send Authorization: Bearer and a token.")
    try:
        return verify(token.strip())
    except InvalidToken as error:
        raise NotAuthenticated(f"The token is not accepted: {error}.") from None
    except KeysUnavailable as error:
        raise Unavailable(f"Try later: {error}.", retry_after=error.retry_after) from None


def principal() -> Principal:
    """Who asks."""
    caller: Principal = notes().principal
    return caller


def is_admin() -> bool:
    return "admin" in principal().scopes


def acting_admin() -> int | None:
    """The admin who asks, for the book; None for who is no admin."""
    return principal().user_id if is_admin() else None


def may_reach(user_id: int) -> bool:
    """Whether what belongs to ``user_id`` is the caller's to see: to the scope ``payments`` alone
    nothing belongs, whatever its ``sub``."""
    caller = principal()
    return is_admin() or (caller.user_id == user_id and "user" in caller.scopes)


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
