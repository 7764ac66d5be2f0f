"""JSON Web Key Sets (RFC 7517): which of an issuer's keys tokens are checked by."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import jwt

ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
"""By a key's type (``kty``), the one algorithm that it is used with (RFC 8725, section 3.1)."""
MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""


class BadKeySet(ValueError):
    """A document that holds no key to check tokens by; the message says why."""


class Keys:
    """The usable keys of one key set. Never changes: a newer set is another object."""

    def __init__(
        self, usable: Mapping[tuple[str | None, str], "jwt.PyJWK"], passed_over: int
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

    def find(self, kid: str | None, algorithm: str) -> "jwt.PyJWK | None":
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
    members = _members(document)
    usable: dict[tuple[str | None, str], jwt.PyJWK] = {}
    for member, algorithm in _fitting(members):
        key = _key(member, algorithm)
        if key is not None:
            usable.setdefault((key.key_id, algorithm), key)
    if not usable:
        raise _without_keys(members)
    return Keys(usable, len(members) - len(usable))


def check(document: bytes) -> None:
    """Raise BadKeySet for a document of which no key can be usable, by what its keys say of
    themselves; whether their numbers make keys is seen by :func:`parse`."""
    members = _members(document)
    if not any(_fitting(members)):
        raise _without_keys(members)


def _members(document: bytes) -> list[Any]:
    try:
        content = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise BadKeySet(f"no JSON: {error}") from None
    members = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(members, list):
        raise BadKeySet("no JSON Web Key Set: it has no list of keys")
    return members


def _without_keys(members: list[Any]) -> BadKeySet:
    return BadKeySet(f"none of its {len(members)} keys is a public one for RS256 or ES256")


def _fitting(members: list[Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The keys that are meant for signatures, each with the algorithm that it fits."""
    for member in members:
        if not isinstance(member, dict) or not _meant_for_checking(member):
            continue
        kind = member.get("kty")
        algorithm = ALGORITHMS.get(kind) if isinstance(kind, str) else None
        if algorithm is None or member.get("alg", algorithm) != algorithm:
            continue
        if kind == "RSA" or member.get("crv") == "P-256":
            yield member, algorithm


def _key(member: dict[str, Any], algorithm: str) -> "jwt.PyJWK | None":
    """The key that the numbers of ``member`` make, if they make a sound one."""
    import jwt

    try:
        key = jwt.PyJWK(member, algorithm)
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    return None if algorithm == "RS256" and key.key.key_size < MIN_RSA_BITS else key


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
