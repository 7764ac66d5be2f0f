"""Tokens of an identity provider, at a web process as it runs: greenlets, and a real server."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from infra.key_set import RETRY_SECONDS
from tests.support.api import Answer
from tests.support.certificates import certificate
from tests.support.fleet import Fleet
from tests.support.identity_provider import CERTIFICATE, IdentityProvider
from tests.support.issuer import Key, ec_key, key_set, rsa_key, said
from tests.support.services import TestServices
from tests.support.shop import given_users
from tests.support.waiting import eventually

FIRST, SECOND = Key("first", rsa_key()), Key("second", ec_key())
SECRET = "a secret of the shop's own, long enough"


@dataclass
class Shop:
    """One web process, its identity provider, and a user."""

    fleet: Fleet
    provider: IdentityProvider
    user: int

    def balance(self, token: str) -> Answer:
        return self.fleet.api.call(
            "GET", f"/api/users/{self.user}/balance", Authorization=f"Bearer {token}"
        )

    def status(self, key: Key, **claims: Any) -> int:
        """How a token signed with ``key`` is answered; a new one each time."""
        return self.balance(key.sign(sub=str(self.user), **claims)).status

    def failures(self) -> float:
        """Fetches that failed, as /metrics tells."""
        lines = self.fleet.api.call("GET", "/metrics").body.decode().splitlines()
        name = 'key_set_fetches_total{outcome="failed"} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.fixture
def open_shop(
    services: TestServices, database: None, tmp_path: Path
) -> Iterator[Callable[..., Shop]]:
    """Starts a web process with these settings; its identity provider is to be started yet."""
    directory = tmp_path / "provider"
    directory.mkdir()
    opened: list[Shop] = []

    def open_with(scheme: str = "http", **settings: str) -> Shop:
        [user], provider = given_users(5), IdentityProvider(directory, scheme)
        given = {"WEB_WORKERS": "1", "JWT_JWKS": provider.url, "APP_ENV": "production"}
        fleet = Fleet(services, tmp_path, given | settings)
        opened.append(Shop(fleet, provider, user))
        fleet.start("web")
        fleet.wait_ready()
        return opened[-1]

    yield open_with
    for shop in opened:
        shop.fleet.end()
        shop.provider.stop()


def test_keys_come_and_go_with_the_issuer(open_shop: Callable[..., Shop]) -> None:
    # Given an issuer with one key
    shop = open_shop(JWT_JWKS_MAX_AGE="1")
    shop.provider.publish(FIRST)
    shop.provider.start()
    assert shop.status(FIRST) == 200
    assert shop.status(SECOND) == 401
    # When it has another, Then that is accepted before long
    shop.provider.publish(FIRST, SECOND)
    eventually(lambda: shop.status(SECOND) == 200, RETRY_SECONDS + 10)
    assert shop.status(FIRST) == 200
    # And when it withdraws the first, a token that was accepted is so no more
    token = FIRST.sign(sub=str(shop.user))
    assert shop.balance(token).status == 200
    shop.provider.publish(SECOND)
    eventually(lambda: shop.balance(token).status == 401, RETRY_SECONDS + 10)
    assert shop.status(SECOND) == 200


def test_an_issuer_that_is_away_keeps_its_keys(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(JWT_JWKS_MAX_AGE="1", JWT_SECRET=SECRET)
    shop.provider.publish(FIRST)
    shop.provider.start()
    assert shop.status(FIRST) == 200
    before = shop.failures()
    # When it is away, and its keys have aged
    shop.provider.stop()
    eventually(lambda: shop.status(FIRST) and shop.failures() > before, RETRY_SECONDS + 10)
    # Then they still hold, without a wait; and what they did not sign is still refused
    begun = time.monotonic()
    assert [shop.status(FIRST) for _ in range(20)] == [200] * 20
    assert time.monotonic() - begun < 2
    assert shop.status(SECOND) == 401
    # And tokens signed by the secret have nothing to do with it
    hs256 = jwt.encode(said(sub=str(shop.user)), SECRET, "HS256")
    assert shop.balance(hs256).status == 200
    # And once it is back, it is heard
    shop.provider.publish(SECOND)
    shop.provider.start()
    eventually(lambda: shop.status(SECOND) == 200, RETRY_SECONDS + 10)
    assert shop.status(FIRST) == 401


def test_keys_that_could_never_be_fetched(open_shop: Callable[..., Shop]) -> None:
    # Given an issuer that was not there yet
    shop = open_shop()
    # When its tokens come, Then they may be right: to be sent again later
    for _ in range(3):
        answer = shop.balance(FIRST.sign(sub=str(shop.user)))
        assert (answer.status, answer.code) == (503, "COMMON008")
        assert 1 <= int(answer.headers["Retry-After"]) <= RETRY_SECONDS
        assert answer.headers["Content-Type"] == "application/problem+json"
    # And what can be judged without keys is judged
    assert shop.fleet.api.call("GET", "/api/products").status == 200
    assert shop.fleet.api.call("GET", "/api/cart").status == 401
    hs256 = jwt.encode(said(), SECRET, "HS256")
    for token in ("x.y.z", "x", hs256, "", FIRST.sign({"jku": shop.provider.url})):
        answer = shop.balance(token)
        assert (answer.status, answer.code) == (401, "COMMON002"), token
    # And as soon as it is there, they are accepted
    shop.provider.publish(FIRST)
    shop.provider.start()
    eventually(lambda: shop.status(FIRST) == 200, RETRY_SECONDS + 10)
    # And invented names do not make it work
    eventually(lambda: shop.status(SECOND) == 401 and shop.provider.requests == 2, 10)
    for number in range(50):
        assert shop.status(Key(f"invented {number}", rsa_key(1))) == 401
    assert shop.provider.requests <= 3


def test_a_slow_issuer_holds_up_nobody_whose_key_is_known(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.provider.publish(FIRST)
    shop.provider.start()
    assert shop.status(FIRST) == 200
    shop.provider.behave(seconds=30)
    shop.provider.publish(FIRST, SECOND)
    asked = shop.provider.requests
    # Given one that waits, because their key is not known, in the same process
    statuses: list[int] = []

    def wait_for_it() -> None:
        while shop.provider.requests == asked:
            statuses.append(shop.status(SECOND))

    waiter = threading.Thread(target=wait_for_it)
    waiter.start()
    eventually(lambda: shop.provider.requests > asked, RETRY_SECONDS + 10)
    # When others come, Then they are answered while that one still waits
    for _ in range(5):
        assert shop.status(FIRST) == 200
        assert waiter.is_alive()
    # And the one that waited is answered, in the end, that the key is not known
    waiter.join()
    assert set(statuses) == {401}


def test_an_issuer_by_https(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    pem = tmp_path / "provider" / CERTIFICATE
    pem.write_bytes(certificate("127.0.0.1"))
    # Given a provider whose certificate the system knows
    shop = open_shop(scheme="https", SSL_CERT_FILE=str(pem))
    shop.provider.publish(FIRST)
    shop.provider.start()
    assert shop.status(FIRST) == 200


def test_tokens_for_others_are_refused_everywhere(
    open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    # Given keys from a file, an issuer and an audience
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set([FIRST, SECOND]))
    shop = open_shop(JWT_JWKS=str(keys), JWT_ISSUER="https://id.example", JWT_AUDIENCE="shop, app")
    ours = {"iss": "https://id.example", "aud": "app"}
    for key in (FIRST, SECOND):
        assert shop.status(key, **ours) == 200
        for wrong in ({"iss": "https://id.evil"}, {"aud": "bank"}, {"aud": None}, {"iss": None},
                      {"exp": int(time.time()) - 60}, {"nbf": int(time.time()) + 60},
                      {"exp": "9999999999"}, {"exp": float("nan")}, {"scope": ["user"]},
                      {"exp": None}):
            assert shop.status(key, **{**ours, **wrong}) == 401, wrong
    # And however a token is sent
    good = FIRST.sign(sub=str(shop.user), **ours)
    for header, status in (
        (f"Bearer {good}", 200), (f"bearer  {good} ", 200), (f"Bearer {good}, Bearer {good}", 401),
        (good, 401), (f"Basic {good}", 401), (f"Bearer\t{good}", 401), ("Bearer", 401),
        (f"Bearer {good}\xe9", 401), ("Bearer " + "a" * 8000, 401), (f"Bearer {good}.{good}", 401),
        ("Bearer " + good.replace(".", ".."), 401), ("Bearer " + "." * 5000, 401),
        ("Bearer " + "A" * 4000 + "." + "A" * 3000 + ".", 401),
    ):
        answer = shop.fleet.api.call(
            "GET", f"/api/users/{shop.user}/balance", Authorization=header
        )
        assert answer.status == status, (header, answer)
