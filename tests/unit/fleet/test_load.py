import os
import re
from pathlib import Path

import pytest

from fleet import k6_program, load
from fleet.checkout import Checkout
from fleet.console import StartError
from fleet.k6_program import VARIABLES, Docker, Native
from fleet.layout import PROJECT, Layout
from fleet.services import compose

SCRIPT = PROJECT / "k6" / "coupon.js"


def _program(directory: Path, name: str) -> str:
    """An executable that does nothing, to be found in a PATH."""
    directory.mkdir()
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Checkout:
    checkout = Checkout(Layout(tmp_path))
    monkeypatch.setattr(checkout, "environment", {"PATH": os.defpath, **variables})
    return checkout


def test_k6_of_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "works", lambda: True)
    path = _program(tmp_path / "bin", "k6")

    assert k6_program.find({"PATH": str(tmp_path / "bin")}) == Native(path)


def test_docker_comes_before_building_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "works", lambda: True)
    _program(tmp_path / "bin", "go")

    assert isinstance(k6_program.find({"PATH": str(tmp_path / "bin")}), Docker)


def test_without_any_of_them_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "works", lambda: False)

    with pytest.raises(StartError, match="k6 is missing: "):
        k6_program.find({"PATH": str(tmp_path)})


def test_what_the_scripts_read_is_what_a_container_is_told() -> None:
    text = "".join(path.read_text() for path in (PROJECT / "k6").rglob("*.js"))

    by_name = (
        r"(?:__ENV\.|whole\('|ids\('|fileOf\('|scenario\('\w+', \{[^}]*\}, ')([A-Z0-9_]+)"
    )
    read = {*re.findall(by_name, text), "ITERATIONS"}

    assert read - {"PWD"} == VARIABLES


def test_the_readme_tells_of_every_variable() -> None:
    told = set(re.findall(r"`([A-Z0-9_]+)`", (PROJECT / "k6" / "README.md").read_text()))

    assert told >= VARIABLES


def test_a_container_sees_scripts_and_files_where_they_are_here() -> None:
    environment = {"TOKENS": "/run/tokens", "SUMMARY": "/out/figures.json", "WAIT": "1",
                   "K6_NO_USAGE_REPORT": "true", "HOME": "/root"}

    command = Docker("linux").command(SCRIPT, ["--quiet"], environment)

    folder = SCRIPT.parent
    mounts = {word.removeprefix("--volume=") for word in command if word.startswith("--volume=")}
    assert mounts == {f"{folder}:{folder}:ro", "/run/tokens:/run/tokens:ro", "/out:/out"}
    told = {word.removeprefix("--env=") for word in command if word.startswith("--env=")}
    assert told == {"TOKENS=/run/tokens", "SUMMARY=/out/figures.json", "WAIT=1",
                    "K6_NO_USAGE_REPORT=true"}
    assert "--network=host" in command
    assert command[-3:] == ["run", "--quiet", str(SCRIPT)]


def test_a_container_in_a_virtual_machine_finds_the_host() -> None:
    environment = {"TOKENS": "/run/tokens", "BASE_URL": "http://127.0.0.1:8123"}

    command = Docker("darwin").command(SCRIPT, [], environment)

    assert "--env=BASE_URL=http://host.docker.internal:8123" in command
    assert "--network=host" not in command


@pytest.mark.parametrize("words", [[], ["nothing"], ["lib/jobs"]])
def test_a_script_has_to_be_named(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StartError, match="one of browse, cancel, charge, coupon, front, mixed, "):
        load.k6(_checkout(tmp_path, monkeypatch), words)


def test_nothing_is_built_or_seeded_for_a_fleet_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(k6_program, "find", lambda _: pytest.fail("looked for k6"))

    with pytest.raises(StartError, match="the fleet does not run"):
        load.k6(_checkout(tmp_path, monkeypatch), ["coupon"])


def test_tokens_are_not_made_for_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = _checkout(tmp_path, monkeypatch, BASE_URL="https://shop.example")

    with pytest.raises(StartError, match="BASE_URL is set: TOKENS must name"):
        load.k6(checkout, ["coupon"])
