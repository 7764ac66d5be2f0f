"""Where key sets come from: a real server in all its moods, and files."""

import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from fleet.layout import PROJECT
from infra import key_source
from infra.jwks import parse
from infra.key_set import WAIT_SECONDS
from tests.support.certificates import certificate
from tests.support.identity_provider import CERTIFICATE, IdentityProvider
from tests.support.issuer import Key, ec_key, key_set, rsa_key

KEY = Key("k", rsa_key())
AWAY = (OSError, HTTPError)


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[IdentityProvider]:
    made = IdentityProvider(tmp_path)
    made.publish(KEY)
    made.start()
    yield made
    made.stop()


def test_a_key_set_is_read_by_http_as_often_as_wanted(provider: IdentityProvider) -> None:
    source = key_source.of(provider.url)
    for _ in range(3):
        assert len(parse(source())) == 1
    provider.publish(KEY, Key("other", ec_key()))
    assert len(parse(source())) == 2
    assert provider.requests == 4


@pytest.mark.parametrize(
    "behaviour",
    [
        {"status": 404}, {"status": 500}, {"status": 204}, {"status": 201},
        {"status": 302, "location": "/keys"}, {"endless": True}, {"trickle": True},
        {"seconds": 30},
    ],
    ids=str,
)
def test_any_other_answer_is_none_and_comes_to_an_end(
    provider: IdentityProvider, behaviour: dict[str, Any]
) -> None:
    provider.behave(**behaviour)
    begun = time.monotonic()
    with pytest.raises(AWAY):
        key_source.of(provider.url)()
    assert time.monotonic() - begun < WAIT_SECONDS
    assert provider.requests == 1  # nor is a redirect followed, or anything tried again
    # And then it is read again
    provider.behave()
    assert len(parse(key_source.of(provider.url)())) == 1


def test_a_server_that_is_away_and_comes_back(provider: IdentityProvider) -> None:
    source = key_source.of(provider.url)
    source()
    provider.stop()
    with pytest.raises(AWAY):
        source()
    provider.start()
    assert len(parse(source())) == 1


@pytest.mark.parametrize(
    ("name", "trusted", "believed"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("127.0.0.2", True, False)],
    ids=["known", "unknown authority", "another's name"],
)
def test_https_is_believed_only_with_the_servers_own_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool, believed: bool
) -> None:
    (tmp_path / CERTIFICATE).write_bytes(certificate(name))
    if trusted:
        monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env,
                           str(tmp_path / CERTIFICATE))
    provider = IdentityProvider(tmp_path, "https")
    provider.publish(KEY)
    provider.start()
    try:
        if believed:
            assert len(parse(key_source.of(provider.url)())) == 1
        else:
            with pytest.raises(HTTPError, match=r"CERTIFICATE_VERIFY_FAILED|doesn't match"):
                key_source.of(provider.url)()
    finally:
        provider.stop()


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set([KEY]))
    source = key_source.of(str(path))
    assert len(parse(source())) == 1
    path.write_bytes(key_set([KEY, Key("other", ec_key())]))
    assert len(parse(source())) == 2
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        source()


@pytest.mark.parametrize("source", ["https://id.example/keys", "", "a file"])
def test_checking_settings_keeps_hold_of_no_ssl(source: str, tmp_path: Path) -> None:
    if source == "a file":
        (tmp_path / "keys.json").write_bytes(key_set([KEY]))
        source = str(tmp_path / "keys.json")
    # gunicorn's first process reads them before gevent replaces ssl
    program = (
        "import sys, infra.settings; infra.settings.settings();"
        "print({'urllib3', 'jwt', 'requests'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env={"JWT_JWKS": source}, text=True,
        capture_output=True, timeout=30,
    )
    assert done.stdout == "set()\n", done
