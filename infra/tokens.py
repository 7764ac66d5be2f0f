"""Bearer tokens: JSON Web Tokens (RFC 7519), as RFC 8725 would have them checked.

``sub`` is the user id, ``scope`` the words (RFC 8693 section 4.2) that say what its bearer may do.
They are signed with HS256 by JWT_SECRET, or with RS256 or ES256 by a key of JWT_JWKS. Which of
these are accepted is the configuration's to say, and each key goes with one algorithm: what a
token's header asks for only picks among them.
"""

import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
import orjson

from infra import compact_jws
from infra.jwks import ALGORITHMS
from infra.key_set import KeySet
from infra.settings import Settings, settings

HS256 = "HS256"
SCOPES = ("user", "admin", "payments")
MAX_LENGTH = 8000
"""Characters of a token; no header that is longer gets through the usual proxies."""
PROOFS_KEPT = 8192
"""Tokens that a process remembers having checked: most come again, and a signature costs more than
all else that is done before a view runs."""

_USER_ID = re.compile(r"[1-9][0-9]{0,18}")
_MAX_USER_ID = 2**63 - 1
_LAST_INSTANT = 253_402_300_799
"""The end of the year 9999: what is later is no time."""
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
"""What ``typ`` may say, where it says something: other kinds of JWT prove other things (RFC 8725,
section 3.11)."""
_NOT_LISTENED_TO = ("crit", "b64", "jwk", "jku", "x5c", "x5u")
"""Headers that bring keys of their own, or ask for what is not done here."""


class InvalidToken(Exception):
    """A token that proves nothing; the message says why, and may be shown to its bearer."""


class NoSecret(Exception):
    """There is no secret to sign tokens with: they come from the issuer of JWT_JWKS."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what for they may."""

    user_id: int
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Header:
    algorithm: str
    kid: str | None


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a token proves from ``begins`` until ``ends``, by Unix time and leeway included."""

    principal: Principal
    begins: float
    ends: float


class Verifier:
    """Checks tokens by a secret, by an issuer's keys, or by both, each for its own algorithm."""

    def __init__(
        self, secret: str | None, keys: KeySet | None, issuer: str = "",
        audiences: Collection[str] = (), leeway: float = 5.0,
    ) -> None:
        self._secret = None if secret is None else compact_jws.secret_key(secret)
        self._keys = keys
        self._issuer = issuer
        self._audiences = frozenset(audiences)
        self._required = ["exp", "sub", *["iss"] * bool(issuer), *["aud"] * bool(audiences)]
        self._leeway = leeway
        self._proof = lru_cache(maxsize=PROOFS_KEPT)(self._prove)

    def verify(self, token: str) -> Principal:
        """Whose token this is.

        Raises InvalidToken for one that is forged, expired, malformed or meant for others, and
        KeysUnavailable where the issuer's keys could never be fetched.
        """
        if len(token) > MAX_LENGTH or not token.isascii():
            raise InvalidToken("the token is not valid")
        header = _header(token.partition(".")[0])
        key = self._secret if header.algorithm == HS256 else self._public_key(header)
        if key is None:
            raise InvalidToken("no key that is accepted here has signed the token")
        # Asked for by this very key: once it is withdrawn or fetched anew, the proof is gone.
        proof, now = self._proof(token, key), time.time()
        if now >= proof.ends:
            raise InvalidToken("the token has expired")
        if now < proof.begins:
            raise InvalidToken("the token is not valid yet")
        return proof.principal

    def _public_key(self, header: _Header) -> jwt.PyJWK | None:
        if self._keys is None or header.algorithm not in ALGORITHMS.values():
            return None
        return self._keys.find(header.kid, header.algorithm)

    def _prove(self, token: str, key: jwt.PyJWK) -> _Proof:
        """What the token proves once ``key`` has checked it, whatever the time. Raises
        InvalidToken."""
        try:
            claims = orjson.loads(compact_jws.payload(token, key))
        except (compact_jws.NotProved, orjson.JSONDecodeError):
            raise InvalidToken("the token is not valid") from None
        self._check(claims)
        principal = Principal(_user_id(claims["sub"]), _scopes(claims.get("scope", "")))
        begins = max(_instant(claims, "nbf"), _instant(claims, "iat"))
        return _Proof(principal, begins - self._leeway, _instant(claims, "exp") + self._leeway)

    def _check(self, claims: Any) -> None:
        """Raises InvalidToken for what is no set of claims, lacks one that is needed, or was made
        by another issuer or for others."""
        if not isinstance(claims, dict) or not isinstance(claims.get("jti", ""), str):
            raise InvalidToken("the token is not valid")
        for name in self._required:
            if claims.get(name) is None:
                raise InvalidToken(f"the token has no {name}")
        if self._issuer and claims["iss"] != self._issuer:
            raise InvalidToken("the token is of another issuer")
        if self._audiences and not self._audiences & _audience(claims["aud"]):
            raise InvalidToken("the token is meant for others")


@lru_cache(maxsize=64)
def _header(segment: str) -> _Header:
    """The header of a token, which an issuer repeats in all of its tokens. Raises InvalidToken."""
    try:
        header = jwt.get_unverified_header(segment + "..")
    except jwt.PyJWTError:
        raise InvalidToken("the token is not valid") from None
    algorithm, kind = header.get("alg"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or any(name in header for name in _NOT_LISTENED_TO):
        raise InvalidToken("the token's header is not accepted")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise InvalidToken("the token is of another kind")
    return _Header(algorithm, header.get("kid"))


def _audience(value: object) -> frozenset[str]:
    """Whom a token is meant for: one, or several (RFC 7519, section 4.1.3)."""
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise InvalidToken("the token's aud is no name, nor names")
    return frozenset(names)


def _instant(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate, which is a number (RFC 7519, section 2); 0 where there is none."""
    value = claims.get(name, 0)
    if type(value) not in (int, float) or not 0 <= value <= _LAST_INSTANT:
        raise InvalidToken(f"the token's {name} is not a time")
    return float(value)


def _user_id(subject: object) -> int:
    if not isinstance(subject, str) or not _USER_ID.fullmatch(subject):
        raise InvalidToken("the token's sub is not a user id")
    if int(subject) > _MAX_USER_ID:
        raise InvalidToken("the token's sub is not a user id")
    return int(subject)


def _scopes(scope: object) -> frozenset[str]:
    if not isinstance(scope, str):
        raise InvalidToken("the token's scope is not a string of words")
    return frozenset(scope.split()) & frozenset(SCOPES)


_current: tuple[Settings, Verifier] | None = None


def _verifier() -> Verifier:
    """The process's, made when the first token comes: web processes fork before."""
    global _current
    current = settings()
    if _current is None or _current[0] is not current:
        keys = None
        if current.jwt_jwks:
            keys = KeySet.at(current.jwt_jwks, current.jwt_jwks_max_age)
        _current = current, Verifier(
            current.hs256_secret, keys, current.jwt_issuer, current.jwt_audiences,
            current.jwt_leeway,
        )
    return _current[1]


def verify(token: str) -> Principal:
    """Whose token this is, by the process's settings; raises what :meth:`Verifier.verify` does."""
    return _verifier().verify(token)


def issue(user_id: int, scopes: Collection[str], lifetime: timedelta) -> str:
    """A token for ``user_id`` with ``scopes``, valid from now for ``lifetime``. Raises NoSecret."""
    current, now = settings(), datetime.now(UTC)
    if current.hs256_secret is None:
        raise NoSecret("JWT_JWKS is set and JWT_SECRET is not: its issuer alone makes tokens")
    claims = {
        "sub": str(user_id),
        "scope": " ".join(scope for scope in SCOPES if scope in scopes),
        "iat": now,
        "exp": now + lifetime,
    }
    if current.jwt_issuer:
        claims["iss"] = current.jwt_issuer
    if current.jwt_audiences:
        claims["aud"] = current.jwt_audiences[0]
    return jwt.encode(claims, current.hs256_secret, algorithm=HS256)
