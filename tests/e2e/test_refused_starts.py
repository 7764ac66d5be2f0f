"""A start that must not be: one clear line and a failure, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from fleet.layout import PROJECT
from infra.settings import DEVELOPMENT_SECRET
from tests.support.issuer import Key, key_set, rsa_key

SECRET = "a secret of the shop's own, long enough"
WEB = ("-c", "from web.app import create_app; create_app()")
SETTINGS = ("-c", "from infra.settings import settings; settings()")  # what each start begins with
GUNICORN = ("-m", "gunicorn", "-c", "../web/gunicorn_conf.py", "web.app:create_app()")
OTHERS = (("-m", "schedulers.main"), ("-m", "workers.consumers.main"))


def start(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a start with these settings, and no others, comes to: nor any of a .env file."""
    return subprocess.run(
        [sys.executable, *words], cwd=PROJECT / "tests",
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(PROJECT), **environment},
        text=True, capture_output=True, timeout=60,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("Bad setting — ")
    for word in words:
        assert word in line


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set([Key("k", rsa_key())]))
    return str(path)


@pytest.mark.parametrize("words", [WEB, GUNICORN, *OTHERS], ids=lambda words: words[1])
def test_production_refuses_the_development_secret(words: tuple[str, ...]) -> None:
    refused(start(*words, APP_ENV="production"), "JWT_SECRET", "JWT_JWKS", "production")


def test_production_refuses_it_written_out_too() -> None:
    refused(start(*WEB, APP_ENV="production", JWT_SECRET=DEVELOPMENT_SECRET), "JWT_SECRET")


def test_production_starts_with_a_secret_or_an_issuers_keys(key_file: str) -> None:
    for words, given in (
        (WEB, {"JWT_SECRET": SECRET}), (WEB, {"JWT_JWKS": key_file}),
        (SETTINGS, {"JWT_JWKS": "https://id.example/keys"}),
        (SETTINGS, {"JWT_SECRET": SECRET, "JWT_JWKS": key_file}),
    ):
        done = start(*words, APP_ENV="production", **given)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), given


def test_development_needs_neither() -> None:
    done = start(*WEB)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("keys.json", "No such file"), ("/", "Is a directory"), ("ftp://id.example/keys", "https"),
        ("file:///keys.json", "https"), ("https://", "must look like"),
        ("https:///keys", "must look like"), ("https://u:p@id.example/keys", "without a password"),
        ("../pyproject.toml", "no JSON"),
        ("../monitoring/grafana/dashboard.json", "no list of keys"),
    ],
)
def test_a_key_set_that_cannot_be_stops_the_start(source: str, why: str) -> None:
    refused(start(*SETTINGS, JWT_JWKS=source), "JWT_JWKS", why)


def test_a_key_set_without_a_usable_key_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set([Key("k", rsa_key()).public(use="enc")]))
    refused(start(*GUNICORN, JWT_JWKS=str(path)), "JWT_JWKS", "none of its 1 keys")


@pytest.mark.parametrize(
    "settings",
    [
        {"JWT_SECRET": "short"}, {"JWT_SECRET": Key("k", rsa_key()).pem().decode()},
        {"JWT_SECRET": '{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"k"}'}, {"JWT_LEEWAY": "-1"},
        {"JWT_LEEWAY": "nan"}, {"JWT_JWKS_MAX_AGE": "0"},
    ],
    ids=lambda settings: next(iter(settings.items()))[1][:12],
)
def test_other_values_that_cannot_be(settings: dict[str, str]) -> None:
    refused(start(*SETTINGS, **settings), *settings)
