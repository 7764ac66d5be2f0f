"""The settings command, and that .env.example is what it prints."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.settings import render, settings
from infra.settings import Settings

PROJECT = Path(__file__).parents[3]


def test_the_committed_example_is_what_the_command_prints() -> None:
    # If this fails: ./dev settings > .env.example
    assert (PROJECT / ".env.example").read_text(encoding="utf-8") == render()
    assert CliRunner().invoke(settings).stdout == render()


def test_every_setting_has_a_meaning_and_stands_in_the_example() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"# {name.upper()}=" in render()


def test_the_example_uncommented_is_what_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the example with every assignment in force, and nothing in the environment
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    lines = [line.removeprefix("# ") for line in render().splitlines() if "=" in line]
    example = tmp_path / "env"
    example.write_text("\n".join(line for line in lines if line.split("=")[0].isupper()))
    # When it is read, Then nothing is other than without it
    read = Settings(_env_file=example)
    for name, field in Settings.model_fields.items():
        assert getattr(read, name) == field.default, name
