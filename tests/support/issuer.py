"""Given: an identity provider's keys, the key sets that it publishes, and tokens it has signed."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

RS256, ES256 = "RS256", "ES256"
HOUR = 3600


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Always the same in a test session: making one takes its time."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(number: int = 0, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> Any:
    return ec.generate_private_key(curve())


@dataclass(frozen=True)
class Key:
    """A key pair with its name, and what its public half says of itself."""

    kid: str | None
    private: Any
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        return RS256 if isinstance(self.private, rsa.RSAPrivateKey) else ES256

    def public(self, **more: Any) -> dict[str, Any]:
        """The JWK."""
        maker: Any = RSAAlgorithm if self.algorithm == RS256 else ECAlgorithm
        found = maker.to_jwk(self.private.public_key(), as_dict=True)
        named = {} if self.kid is None else {"kid": self.kid}
        return {**found, **named, "use": "sig", "alg": self.algorithm, **self.more, **more}

    def pem(self) -> bytes:
        return bytes(
            self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )

    def sign(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of user 42 for an hour, but for ``claims``; None leaves one out."""
        named = {} if self.kid is None else {"kid": self.kid}
        return jwt.encode(
            said(**claims), self.private, self.algorithm, headers={**named, **(headers or {})}
        )


def said(**claims: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {"sub": "42", "scope": "user", "iat": now, "exp": now + HOUR, **claims}
    return {name: value for name, value in given.items() if value is not None}


def key_set(keys: Iterable[Key | dict[str, Any]]) -> bytes:
    """The document that publishes ``keys``."""
    members = [key.public() if isinstance(key, Key) else key for key in keys]
    return json.dumps({"keys": members}).encode()
