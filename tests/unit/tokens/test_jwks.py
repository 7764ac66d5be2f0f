"""Which keys of a published key set tokens are checked by."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from infra import jwks
from tests.support.issuer import ES256, RS256, Key, ec_key, key_set, rsa_key

RSA, EC = Key("r", rsa_key()), Key("e", ec_key())


def test_keys_are_found_by_their_name_for_their_algorithm() -> None:
    keys = jwks.parse(key_set([RSA, EC]))
    for key in (RSA, EC):
        found = keys.find(key.kid, key.algorithm)
        assert found is not None
        assert found.key.public_numbers() == key.private.public_key().public_numbers()
    assert (len(keys), keys.passed_over) == (2, 0)
    # And for no other, nor by no name among several
    assert keys.find("r", ES256) is None
    assert keys.find("e", RS256) is None
    assert keys.find("x", RS256) is None
    assert keys.find(None, RS256) is None
    assert "r" in keys
    assert "x" not in keys


def test_a_token_that_names_no_key_means_the_only_one() -> None:
    for key in (RSA, Key(None, rsa_key())):
        keys = jwks.parse(key_set([key]))
        assert keys.find(None, RS256) is not None
        assert keys.find(None, ES256) is None


def test_a_key_without_alg_and_use_goes_with_its_types_algorithm() -> None:
    bare = [
        {name: value for name, value in key.public().items() if name not in ("alg", "use")}
        for key in (RSA, EC)
    ]
    keys = jwks.parse(key_set(bare))
    assert keys.find("r", RS256) is not None
    assert keys.find("e", ES256) is not None


@pytest.mark.parametrize(
    "member",
    [
        RSA.public(alg="ES256"), RSA.public(alg="HS256"), RSA.public(alg="none"),
        RSA.public(alg="RS512"), RSA.public(alg=None), RSA.public(alg=["RS256"]),
        RSA.public(kty="EC"), RSA.public(kty="oct"), RSA.public(kty=None), RSA.public(kty=["RSA"]),
        RSA.public(use="enc"), RSA.public(use=None), RSA.public(use=["sig"]),
        RSA.public(key_ops=["encrypt"]), RSA.public(key_ops="verify"),
        RSA.public(kid=7), RSA.public(kid=["r"]),
        RSA.public(n="!"), RSA.public(n=5), RSA.public(e="AQ"), RSA.public(n=None),
        Key("r", rsa_key(bits=1024)).public(),
        RSAAlgorithm.to_jwk(rsa_key(), as_dict=True),  # private ones
        ECAlgorithm.to_jwk(ec_key(), as_dict=True),
        EC.public(alg="RS256"), EC.public(kty="RSA"), EC.public(crv="P-384"), EC.public(x="AAAA"),
        EC.public(x=EC.public()["y"]),  # a point that is not on the curve
        Key("e", ec_key(curve=ec.SECP384R1)).public(alg="ES384"),
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "r"},
        {}, "key", None, 5, [RSA.public()],
    ],
)
def test_a_key_that_does_not_fit_is_passed_over(member: Any) -> None:
    # Given a set that also holds a good key, Then only that is used
    good = Key("good", rsa_key(1))
    keys = jwks.parse(key_set([member, good]))
    assert (len(keys), keys.passed_over) == (1, 1)
    assert keys.find("good", RS256) is not None
    # And without one, it is no key set for us
    with pytest.raises(jwks.BadKeySet, match="none of its 1 keys"):
        jwks.parse(key_set([member]))


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"null", b"[]", b'"keys"', b"{}", b'{"keys": {}}', b'{"keys": []}', b"\xff",
     b"<html>Sign in</html>", b"[" * 100_000, json.dumps([RSA.public()]).encode()],
)
def test_what_is_no_key_set(document: bytes) -> None:
    for read in (jwks.parse, jwks.check):
        with pytest.raises(jwks.BadKeySet):
            read(document)


def test_what_a_key_says_of_itself_is_enough_for_the_first_check() -> None:
    jwks.check(key_set([RSA.public(use="enc"), EC]))
    with pytest.raises(jwks.BadKeySet, match="none of its 2 keys"):
        jwks.check(key_set([RSA.public(use="enc"), EC.public(alg="HS256")]))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5,
)


@given(st.sampled_from([RSA, EC]), st.sampled_from(
    ["kty", "kid", "use", "alg", "key_ops", "n", "e", "x", "y", "crv", "d", "x5c"]
), _JSON)
def test_whatever_a_key_says_of_itself_is_survived(key: Key, name: str, value: Any) -> None:
    good = Key("good", rsa_key(1))
    assert len(jwks.parse(key_set([key.public(**{name: value}), good]))) in (1, 2)
