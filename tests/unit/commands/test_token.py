"""The token command, and the tokens themselves."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from commands.token import token
from infra.settings import settings
from infra.tokens import InvalidToken, Principal, issue, verify
from tests.support.cli import run

HOUR = timedelta(hours=1)


def signed(claims: dict[str, object], key: str | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key or settings().jwt_secret, algorithm=algorithm)


def later() -> datetime:
    return datetime.now(UTC) + HOUR


def test_one_token_and_nothing_else_is_printed() -> None:
    # When a token is asked for
    done = CliRunner().invoke(token, ["--user", "42"])
    # Then it is all there is on standard output, and it is user 42's for a day
    assert done.exit_code == 0
    [line] = done.stdout.splitlines()
    assert verify(line) == Principal(42, frozenset({"user"}))
    claims = jwt.decode(line, options={"verify_signature": False})
    assert claims["sub"] == "42"
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_scopes_are_added_by_options() -> None:
    done = CliRunner().invoke(token, ["--user", "7", "--admin", "--payments", "--hours", "0.5"])
    assert verify(done.stdout.strip()).scopes == {"user", "admin", "payments"}


def test_a_range_prints_one_a_line() -> None:
    done = CliRunner().invoke(token, ["--users", "3-7"])
    assert [verify(line).user_id for line in done.stdout.splitlines()] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["--user", "1", "--users", "1-2"], ["--user", "0"], ["--users", "7-3"],
        ["--users", "1"], ["--users", "0-5"], ["--users", "1-99999999"],
        ["--user", "1", "--hours", "0"],
    ],
    ids=" ".join,
)
def test_bad_arguments_print_no_token(arguments: list[str]) -> None:
    done = CliRunner().invoke(token, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr


@given(
    st.integers(1, 2**63 - 1), st.sets(st.sampled_from(["user", "admin", "payments"]))
)
def test_what_was_issued_is_verified(user_id: int, scopes: set[str]) -> None:
    assert verify(issue(user_id, scopes, HOUR)) == Principal(user_id, frozenset(scopes))


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(InvalidToken, match="expired"):
        verify(issue(1, ["user"], -HOUR))


@pytest.mark.filterwarnings("ignore:The HMAC key")
@pytest.mark.parametrize(
    "forged",
    [
        lambda: "", lambda: "a.b.c", lambda: "not a token at all",
        lambda: signed({"sub": "1", "exp": later()}, key="another secret of thirty-two bytes."),
        lambda: signed({"sub": "1", "exp": later()}, algorithm="HS384"),
        lambda: jwt.encode({"sub": "1", "exp": later()}, None, algorithm="none"),
        lambda: signed({"sub": "1"}),
        lambda: signed({"exp": later()}),
        lambda: signed({"sub": 1, "exp": later()}),
        lambda: signed({"sub": "1", "exp": "soon"}),
        lambda: signed({"sub": "1", "exp": later(), "nbf": later()}),
        *(
            lambda sub=sub: signed({"sub": sub, "exp": later(), "scope": "user"})
            for sub in ("", "0", "-1", "01", "1.0", "1e3", "²", "1 ", "9223372036854775808")
        ),
        lambda: signed({"sub": "1", "exp": later(), "scope": ["user"]}),
    ],
)
def test_what_proves_nothing_is_refused(forged: object) -> None:
    # Given a token that is forged, unsigned, without an end, or of no user
    # When verified, Then it is refused as the bearer may be told
    with pytest.raises(InvalidToken):
        verify(forged())  # type: ignore[operator]


def test_unknown_scopes_give_nothing() -> None:
    both = signed({"sub": "1", "exp": later(), "scope": "user root  admin"})
    assert verify(both).scopes == {"user", "admin"}
    assert verify(signed({"sub": "1", "exp": later()})).scopes == frozenset()


def test_a_token_is_made_as_the_settings_ask_for() -> None:
    # Given an issuer and two audiences
    asked = {"JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "shop, app"}
    claims = jwt.decode(
        run("token", "--user", "7", **asked).stdout.strip(), options={"verify_signature": False}
    )
    assert (claims["iss"], claims["aud"]) == ("https://id.example", "shop")


def test_beside_an_issuers_keys_a_token_needs_a_secret_of_the_shops_own() -> None:
    url = "https://id.example/keys"
    done = run("token", "--user", "7", JWT_JWKS=url)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "Error: JWT_JWKS is set and JWT_SECRET is not: its issuer alone makes tokens."
    ]
    assert run("token", "--user", "7", JWT_JWKS=url, JWT_SECRET="x" * 32).exit_code == 0
