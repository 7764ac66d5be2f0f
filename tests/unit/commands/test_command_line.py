"""The command line as a whole: commands explain themselves, and a missing database is one line."""

import subprocess
import sys

import click
import pytest

from commands import create_app
from commands.registry import COMMANDS
from tests.support.cli import run

AWAY = {"DATABASE_URL": "mysql://shop:shop@127.0.0.1:1/shop"}


def every_command() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for command in COMMANDS:
        found.append((command.name or "", command))
        if isinstance(command, click.Group):
            found += [(f"{command.name} {name}", one) for name, one in command.commands.items()]
    return found


def test_flask_finds_every_command() -> None:
    found = create_app().cli.commands
    assert {"migrate", "token", "seed", "audit", "jobs", "outbox", "ranking", "settings"} <= set(
        found
    )


@pytest.mark.parametrize(("words", "command"), every_command())
def test_every_command_and_option_explains_itself(words: str, command: click.Command) -> None:
    done = run(*words.split(), "--help")
    assert done.exit_code == 0
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("limit", "days"):
            assert parameter.help, parameter.name


@pytest.mark.parametrize(
    "words",
    [
        "migrate", "seed --demo", "seed --users 1", "jobs list",
        "jobs show 01998888-0000-7000-8000-000000000000", "outbox list", "outbox redrive --all",
        "outbox redrive 7", "jobs failed", "jobs retry 01998888-0000-7000-8000-000000000000",
        "payments differences", "payments accept 7 --note x",
    ],
)
def test_a_database_that_is_away_is_one_line(words: str) -> None:
    # Given no database, When a command needs one
    done = run(*words.split(), **AWAY)
    # Then it says so in one line, without a traceback
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert "database is away" in lines[0]
    assert done.stdout == ""


def test_an_audit_without_a_database_checks_nothing() -> None:
    done = run("audit", **AWAY)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Nothing could be checked: database: ")


def test_a_bad_setting_is_one_line() -> None:
    done = run("migrate", DATABASE_URL="sqlite:///shop")
    assert str(done.exception).startswith("Bad setting — DATABASE_URL: ")
    assert "\n" not in str(done.exception)


@pytest.mark.parametrize(
    "words",
    [
        "seed", "seed --demo --users 1", "seed --carts", "seed --users -1",
        "outbox redrive", "outbox redrive 1 --all", "jobs show 1", "jobs list --status lost",
        "ranking show --days 31", "audit --wait x",
    ],
)
def test_bad_arguments_are_refused_with_usage(words: str) -> None:
    done = run(*words.split(), **AWAY)
    assert done.exit_code == 2
    assert "Usage: " in done.stderr


def test_a_token_needs_no_client_of_any_service() -> None:
    # Given a process that only prints a token
    code = (
        "import sys; from commands import create_app; create_app().test_cli_runner().invoke("
        "args=['token', '--user', '1']); print([m for m in "
        "('peewee', 'pymysql', 'redis', 'confluent_kafka', 'domain') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Then nothing was imported that speaks to a service
    assert done.stdout.strip() == "[]"
