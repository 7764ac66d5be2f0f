"""Bearer tokens: JSON Web Tokens (RFC 7519), signed with HS256 by JWT_SECRET.

``sub`` is the user id, ``scope`` the words (RFC 8693 section 4.2) that say what its bearer may do.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from infra.settings import settings

ALGORITHM = "HS256"
"""The only one accepted: what a token's own header asks for decides nothing (RFC 8725, 3.1)."""
SCOPES = ("user", "admin", "payments")
LEEWAY = timedelta(seconds=5)
"""How far the clocks of those that issue and those that verify may be apart."""

_USER_ID = re.compile(r"[1-9][0-9]{0,18}")
_MAX_USER_ID = 2**63 - 1


class InvalidToken(Exception):
    """A token that proves nothing; the message says why, and may be shown to its bearer."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what for they may."""

    user_id: int
    scopes: frozenset[str]


def issue(user_id: int, scopes: Collection[str], lifetime: timedelta) -> str:
    """A token for ``user_id`` with ``scopes``, valid from now for ``lifetime``."""
    now = datetime.now(UTC)
    claims = {
        "sub": str(user_id),
        "scope": " ".join(scope for scope in SCOPES if scope in scopes),
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, settings().jwt_secret, algorithm=ALGORITHM)


def verify(token: str) -> Principal:
    """Whose token this is. Raises InvalidToken for one that is forged, expired or malformed."""
    try:
        claims = jwt.decode(
            token,
            settings().jwt_secret,
            algorithms=[ALGORITHM],
            leeway=LEEWAY,
            options={"require": ["exp", "sub"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise InvalidToken("the token has expired") from None
    except jwt.PyJWTError:
        raise InvalidToken("the token is not valid") from None
    return Principal(_user_id(claims["sub"]), _scopes(claims.get("scope", "")))


def _user_id(subject: str) -> int:
    if not _USER_ID.fullmatch(subject) or int(subject) > _MAX_USER_ID:
        raise InvalidToken("the token's sub is not a user id")
    return int(subject)


def _scopes(scope: object) -> frozenset[str]:
    if not isinstance(scope, str):
        raise InvalidToken("the token's scope is not a string of words")
    return frozenset(scope.split()) & frozenset(SCOPES)
