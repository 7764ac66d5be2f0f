"""What tokens prove, by a secret and by an issuer's keys; and what they do not."""

import base64
import hashlib
import hmac
import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from infra.key_set import KeySet
from infra.settings import Settings
from infra.tokens import MAX_LENGTH, InvalidToken, Principal, Verifier
from tests.support.issuer import HOUR, Key, ec_key, key_set, rsa_key, said

SECRET = "a secret of the shop's own, long enough"
RSA, EC = Key("r", rsa_key()), Key("e", ec_key())
KEYS = KeySet(lambda: key_set([RSA, EC]), max_age=300)
USER = Principal(42, frozenset({"user"}))

BY_SECRET = Verifier(SECRET, None)
BY_KEYS = Verifier(None, KEYS)
BY_BOTH = Verifier(SECRET, KEYS)
FOR_US = Verifier(SECRET, KEYS, issuer="https://id.example", audiences=["shop", "orders"])


def hs256(secret: str = SECRET, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    return jwt.encode(said(**claims), secret, "HS256", headers=headers)


def part(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_hand(header: Any, payload: Any, secret: bytes = SECRET.encode()) -> str:
    """An HMAC-SHA256 token of parts that no library would sign."""
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


HEAD = {"alg": "HS256", "typ": "JWT"}


def refuse(verifier: Verifier, token: str, why: str = ".") -> None:
    with pytest.raises(InvalidToken, match=why):
        verifier.verify(token)


def test_each_configuration_accepts_its_own() -> None:
    for verifier, tokens in (
        (BY_SECRET, [hs256()]),
        (BY_KEYS, [RSA.sign(), EC.sign()]),
        (BY_BOTH, [hs256(), RSA.sign(), EC.sign()]),
    ):
        for token in tokens:
            assert verifier.verify(token) == USER
            assert verifier.verify(token) == USER  # and again, from memory


def test_no_configuration_accepts_anothers() -> None:
    for token in (RSA.sign(), EC.sign()):
        refuse(BY_SECRET, token, "no key that is accepted")
    # With an issuer's keys and no secret, HS256 proves nothing, whatever it was signed with
    for secret in (SECRET, "development-secret-which-production-refuses"):
        refuse(BY_KEYS, hs256(secret), "no key that is accepted")
        refuse(BY_KEYS, hs256(secret, headers={"kid": "r"}), "no key that is accepted")


@pytest.mark.parametrize("verifier", [BY_SECRET, BY_KEYS, BY_BOTH], ids=["secret", "keys", "both"])
@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
def test_the_public_key_is_no_secret(verifier: Verifier, key: Key) -> None:
    # Given everything that a public key may be written as
    jwk = key.public()
    number = jwk.get("n", jwk.get("x"))
    for secret in (
        key.pem(), key.pem().strip(), key.pem().replace(b"\n", b"\r\n"), json.dumps(jwk).encode(),
        number.encode(), base64.urlsafe_b64decode(number + "=="),
    ):
        # When tokens are signed with it as an HMAC secret, Then none is accepted
        named = {**HEAD, "kid": key.kid}
        for header in (HEAD, named, {**named, "alg": key.algorithm}):
            refuse(verifier, by_hand(header, said(), secret))


@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
def test_a_public_key_is_not_taken_for_a_secret(key: Key) -> None:
    # Given what an operator may set by mistake, with which everybody could sign
    public, jwk = load_pem_public_key(key.pem()), json.dumps(key.public())
    openssh = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    for written in (key.pem().decode(), f"\n {key.pem().decode()}", jwk, f"[{jwk}]", openssh):
        # Then neither a verifier nor the settings take it
        with pytest.raises(ValueError, match="public keys are given by JWT_JWKS"):
            Verifier(written, None)
        with pytest.raises(ValueError, match="public keys are given by JWT_JWKS"):
            Settings(jwt_secret=written)
    assert Settings(jwt_secret=SECRET).hs256_secret == SECRET


@pytest.mark.parametrize("verifier", [BY_SECRET, BY_KEYS, BY_BOTH], ids=["secret", "keys", "both"])
@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, [], ["none"], {}, 0]
)
def test_an_unsigned_token_proves_nothing(verifier: Verifier, algorithm: Any) -> None:
    for kid in ({}, {"kid": "r"}):
        refuse(verifier, f"{part({'alg': algorithm, **kid})}.{part(said())}.")
        refuse(verifier, f"{part({'alg': algorithm, **kid})}.{part(said())}.AAAA")
        refuse(verifier, by_hand({"alg": algorithm, **kid}, said()))
    refuse(verifier, f"{part(HEAD)}.{part(said())}.")
    refuse(verifier, f"{part({})}.{part(said())}.")


def test_a_key_goes_with_one_algorithm() -> None:
    for private, algorithms in ((RSA.private, ("RS384", "RS512", "PS256")), (EC.private, ())):
        for algorithm in algorithms:
            refuse(BY_BOTH, jwt.encode(said(), private, algorithm, headers={"kid": "r"}))
    for algorithm in ("HS384", "HS512"):
        long = SECRET * 2
        refuse(Verifier(long, None), jwt.encode(said(), long, algorithm))
    # Nor is another's name of use
    refuse(BY_BOTH, RSA.sign({"kid": "e"}))
    refuse(BY_BOTH, EC.sign({"kid": "r"}))


def test_a_key_that_is_not_the_issuers_proves_nothing() -> None:
    refuse(BY_BOTH, Key("r", rsa_key(1)).sign(), "not valid")
    refuse(BY_BOTH, Key("e", ec_key(1)).sign(), "not valid")
    refuse(BY_BOTH, Key("new", rsa_key(1)).sign(), "no key that is accepted")
    refuse(BY_BOTH, Key(None, rsa_key()).sign(), "no key that is accepted")  # which of the two?
    refuse(BY_SECRET, hs256("another secret of more than thirty-two bytes"))


@pytest.mark.parametrize("verifier", [BY_SECRET, BY_KEYS], ids=["secret", "keys"])
@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": ["b64"], "b64": True}, {"crit": None},
        {"b64": False, "crit": ["b64"]}, {"b64": True},
        {"jwk": Key("r", rsa_key(1)).public()}, {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"}, {"x5c": ["AAAA"]},
        {"typ": "logout+jwt"}, {"typ": "dpop+jwt"}, {"typ": 1}, {"typ": None},
        {"kid": 1}, {"kid": None}, {"kid": ["r"]}, {"kid": {}},
    ],
    ids=lambda header: "jwk" if "jwk" in header else json.dumps(header),
)
def test_a_header_that_wants_more_is_refused(verifier: Verifier, header: dict[str, Any]) -> None:
    # Given a token of which all else is right
    if verifier is BY_SECRET:
        token = by_hand({**HEAD, **header}, said())
    else:
        signed = f"{part({'alg': 'RS256', 'kid': 'r', **header})}.{part(said())}"
        algorithm = jwt.get_algorithm_by_name("RS256")
        token = f"{signed}.{part(algorithm.sign(signed.encode(), RSA.private))}"
    refuse(verifier, token)


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_kinds_of_access_tokens_are_accepted(kind: str) -> None:
    assert BY_BOTH.verify(RSA.sign({"typ": kind, "x5t": "thumbprint"})) == USER


def test_a_token_holds_from_nbf_to_exp_with_leeway() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    second = int(at.timestamp())
    for leeway in (0.0, 5.0):
        verifier = Verifier(SECRET, KEYS, leeway=leeway)
        for sign in (hs256, RSA.sign):
            token = sign(iat=second, nbf=second + 10, exp=second + 20)
            early, late = at + timedelta(seconds=10 - leeway), at + timedelta(seconds=20 + leeway)
            instant = timedelta(milliseconds=1)
            # Twice: judged when the token is first seen, and when it is remembered
            for _ in range(2):
                with time_machine.travel(early - instant, tick=False):
                    refuse(verifier, token, "not valid yet")
                with time_machine.travel(early, tick=False):
                    assert verifier.verify(token) == USER
                with time_machine.travel(late - instant, tick=False):
                    assert verifier.verify(token) == USER
                with time_machine.travel(late, tick=False):
                    refuse(verifier, token, "expired")


def test_a_token_made_later_than_now_is_refused() -> None:
    refuse(BY_SECRET, hs256(iat=int(time.time()) + 60), "not valid yet")
    assert BY_SECRET.verify(hs256(iat=int(time.time()) + 3)) == USER


def test_issuer_and_audience_are_checked_where_configured() -> None:
    ours = {"iss": "https://id.example", "aud": "shop"}
    for sign in (hs256, RSA.sign):
        for audience in ("shop", "orders", ["others", "orders"]):
            assert FOR_US.verify(sign(**{**ours, "aud": audience})) == USER
        for issuer in (None, "https://id.example/", "https://evil.example", ""):
            refuse(FOR_US, sign(**{**ours, "iss": issuer}))
        for audience in (
            None, "others", "sho", "shop,orders", "", [], ["others"], 5, [5], ["shop", 5],
            {"shop": 1},
        ):
            refuse(FOR_US, sign(**{**ours, "aud": audience}))
    for wrong in (5, ["https://id.example"], {}, True):
        refuse(FOR_US, by_hand(HEAD, said(**{**ours, "iss": wrong})))
    refuse(FOR_US, hs256(**{**ours, "iss": "x"}), "of another issuer")
    refuse(FOR_US, hs256(**{**ours, "aud": "x"}), "meant for others")
    # And nowhere else
    assert BY_SECRET.verify(hs256(iss="x", aud=["y"])) == USER


@pytest.mark.parametrize(
    "claims",
    [
        *({name: value} for name in ("exp", "nbf", "iat") for value in (
            "9999999999", "soon", "", True, [1], {}, float("nan"), float("inf"), -float("inf"),
            -1, 1e300, 10**30, 253_402_300_800)),
        {"exp": None}, {"sub": None},
        *({"sub": value} for value in (
            42, 42.0, True, ["42"], {"id": "42"}, "", "0", "-1", "+1", "042", "4 2", " 42", "42\n",
            "1e3", "٤٢", "²", "4_2", "9223372036854775808", "1" * 5000, "\ud800", "0x1F", "null")),
        *({"scope": value} for value in (["user"], 5, True, {"user": True}, [])),
        {"jti": 5},
    ],
    ids=str,
)
def test_claims_of_the_wrong_kind_are_refused(claims: dict[str, Any]) -> None:
    refuse(BY_SECRET, by_hand(HEAD, said(**claims)))


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"null", b"[]", b'"sub"', b"5", b"\xff\xfe", b"[" * 3000,
     b'{"sub":"42","exp":' + b"9" * 4990 + b"}", b'{"sub":"42","exp":null}',
     b'{"sub":"42","scope":null,"exp":9999999999}'],
)
def test_a_payload_that_is_no_set_of_claims(payload: bytes) -> None:
    refuse(BY_SECRET, by_hand(HEAD, payload))


def test_bytes_are_written_in_one_way() -> None:
    # Given a token whose signature ends in two bits that mean nothing, and may be anything to some
    good = hs256()
    signed, _, signature = good.rpartition(".")
    assert len(base64.urlsafe_b64decode(signature + "=")) == 32
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(signature[-1])
    assert last % 4 == 0
    # Then only one way to write it is a token, lest one that was withdrawn comes back as another
    for ending in alphabet[last + 1 : last + 4]:
        refuse(BY_SECRET, f"{signed}.{signature[:-1]}{ending}")
    for other in (signature + "=", signature[:9] + "\n" + signature[9:], signature + "!", "=="):
        refuse(BY_SECRET, f"{signed}.{other}")
    # Nor is the alphabet that of plain base64
    for number in range(1000):
        token = hs256(number=number)
        if "-" in token or "_" in token:
            assert BY_SECRET.verify(token) == USER
            refuse(BY_SECRET, token.replace("-", "+").replace("_", "/"))
    padded = f"{part(HEAD)}.{part(said())}="
    proof = hmac.digest(SECRET.encode(), padded.encode(), hashlib.sha256)
    refuse(BY_SECRET, f"{padded}.{part(proof)}")


def test_the_form_is_held_to() -> None:
    good = hs256()
    head, body, signature = good.split(".")
    for form in (
        "", ".", "..", "...", "....", "a", "a.b", "a.b.c", f"{head}.{body}", f"{good}.", f".{good}",
        f"{good}.{signature}", f"{head}.{body}.{body}.{signature}", f"{head}..{signature}",
        f"{head}.{body}.{signature}AAAA", good + "\n", good + " ",
        f" {good}", f'"{good}"', good.replace(".", ".."), good.upper(), good[:-2], good + "é",
        "é.é.é", good.replace(head, head + "\u0661"), "\ud800.a.b", "\x00" * 10, "=.=.=",
        ".".join([head] * 5), f"{good},{good}", f"{good} {good}",
    ):
        refuse(BY_SECRET, form)
        refuse(BY_BOTH, form)
    # A long one is not even looked at
    assert BY_SECRET.verify(hs256(pad="x" * (MAX_LENGTH * 3 // 4 - 300))) == USER
    refuse(BY_SECRET, hs256(pad="x" * MAX_LENGTH))
    refuse(BY_SECRET, "a" * 10_000_000)


@given(
    st.text() | st.text("abcdefgh.-_=", max_size=80)
    | st.binary().map(lambda octets: octets.decode("latin-1"))
)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    refuse(BY_BOTH, text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5,
)


@given(st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64", "x"]), _JSON)
def test_no_header_does_more_than_be_refused(name: str, value: Any) -> None:
    with suppress(InvalidToken):
        assert BY_BOTH.verify(by_hand({**HEAD, name: value}, said())) == USER


@given(st.sampled_from(["sub", "scope", "exp", "nbf", "iat", "iss", "aud", "jti"]), _JSON)
def test_no_claim_does_more_than_be_refused(name: str, value: Any) -> None:
    for verifier in (BY_SECRET, FOR_US):
        try:
            principal = verifier.verify(by_hand(HEAD, {**said(), name: value}))
        except InvalidToken:
            continue
        assert str(principal.user_id) == said(**({"sub": value} if name == "sub" else {}))["sub"]
        assert principal.scopes <= {"user", "admin", "payments"}


def test_what_a_withdrawn_key_has_proved_is_forgotten() -> None:
    # Given an issuer that withdraws a key after a token was accepted
    published, now = [RSA, EC], 0.0
    verifier = Verifier(None, KeySet(lambda: key_set(published), 300, lambda: now))
    token = RSA.sign(exp=int(time.time()) + 10 * HOUR)
    assert verifier.verify(token) == USER
    published.remove(RSA)
    assert verifier.verify(token) == USER
    # When its keys are fetched again, Then the token proves nothing any more
    now = 300.0
    refuse(verifier, token, "no key that is accepted")
    assert verifier.verify(EC.sign()) == USER


def test_what_no_key_could_have_signed_asks_the_issuer_nothing() -> None:
    asked: list[bool] = []

    def published() -> bytes:
        asked.append(True)
        return key_set([RSA])

    verifier = Verifier(None, KeySet(published, 300))
    for algorithm in ("none", "HS256", "HS512", "RS512", "PS256", "EdDSA"):
        refuse(verifier, by_hand({**HEAD, "alg": algorithm, "kid": "invented"}, said()))
    assert asked == []
