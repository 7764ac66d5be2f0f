"""JSON Web Key Sets (RFC 7517): which of an issuer's keys tokens are checked by."""

from collections.abc import Mapping
from typing import Any

import jwt
import orjson

ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
"""By a key's type (``kty``), the one algorithm that it is used with (RFC 8725, section 3.1)."""
MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""


class BadKeySet(ValueError):
    """A document that holds no key to check tokens by; the message says why."""


class Keys:
    """The usable keys of one key set. Never changes: a newer set is another object."""

    def __init__(
        self, usable: Mapping[tuple[str | None, str], jwt.PyJWK], passed_over: int
    ) -> None:
        self._usable = dict(usable)
        self._kids = frozenset(kid for kid, _ in self._usable)
        self.passed_over = passed_over
        """How many keys of the set cannot be used here."""

    def __len__(self) -> int:
        return len(self._usable)

    def __contains__(self, kid: object) -> bool:
        """Whether a key of this name is there, for whatever algorithm."""
        return kid in self._kids

    def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key that a token names, if it is one for ``algorithm``.

        A token that names none means the set's only key; among several it means nothing.
        """
        if kid is None and len(self._usable) == 1:
            [(_, of)], [key] = self._usable.keys(), self._usable.values()
            return key if of == algorithm else None
        return self._usable.get((kid, algorithm)) if kid is not None else None


def parse(document: bytes) -> Keys:
    """The keys of ``document`` that tokens can be checked by; the others are passed over, as
    section 5 of the RFC says.

    Raises BadKeySet for one that is no key set, or has no such key.
    """
    try:
        content = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise BadKeySet(f"no JSON: {error}") from None
    members = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(members, list):
        raise BadKeySet("no JSON Web Key Set: it has no list of keys")
    usable: dict[tuple[str | None, str], jwt.PyJWK] = {}
    for member in members:
        key = _usable(member)
        if key is not None:
            usable.setdefault((key.key_id, key.algorithm_name), key)
    if not usable:
        raise BadKeySet(f"none of its {len(members)} keys is a public one for RS256 or ES256")
    return Keys(usable, len(members) - len(usable))


def _usable(member: Any) -> jwt.PyJWK | None:
    """The key, if it is a public one, meant for signatures, and fits its algorithm."""
    if not isinstance(member, dict) or not _meant_for_checking(member):
        return None
    kind = member.get("kty")
    algorithm = ALGORITHMS.get(kind) if isinstance(kind, str) else None
    if algorithm is None or member.get("alg", algorithm) != algorithm:
        return None
    if kind == "EC" and member.get("crv") != "P-256":
        return None
    try:
        key = jwt.PyJWK(member, algorithm)
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    return None if kind == "RSA" and key.key.key_size < MIN_RSA_BITS else key


def _meant_for_checking(member: dict[str, Any]) -> bool:
    """Whether ``kid``, ``use`` and ``key_ops`` allow it; a private key ("d") is in the wrong place,
    and whoever published it should not be believed."""
    operations = member.get("key_ops")
    return (
        isinstance(member.get("kid"), str | None)
        and member.get("use", "sig") == "sig"
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and "d" not in member
    )
