import json
from pathlib import Path

import pytest

from fleet import cli
from fleet.commands import tests as test_command
from fleet.commands.application import needs_services
from fleet.console import StartError
from fleet.identity import ProcessIdentity
from fleet.layout import Layout
from fleet.record import FleetRecord, sole_starter
from fleet.services.emptying import redis_databases

TOGETHER = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]

@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [*TOGETHER, "tests"]),
        (["fast"], [*TOGETHER, "tests/unit", "tests/integration", "tests/architecture"]),
        (
            ["fast", "-x"],
            [*TOGETHER, "tests/unit", "tests/integration", "tests/architecture", "-x"],
        ),
        (["-k", "coupon"], [*TOGETHER, "tests", "-k", "coupon"]),
        (["tests/unit", "-x"], ["tests/unit", "-x"]),
        (["tests/unit/fleet/test_ports.py::test_a"], ["tests/unit/fleet/test_ports.py::test_a"]),
    ],
)
def test_pytest_is_given_the_choice_or_the_paths_named(
    words: list[str], expected: list[str]
) -> None:
    assert test_command.arguments(words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["token", "--user", "42"], False),
        (["openapi"], False),
        (["migrate", "--help"], False),
        (["migrate"], True),
        (["audit", "--json"], True),
    ],
)
def test_services_are_started_only_for_commands_that_use_them(
    words: list[str], expected: bool
) -> None:
    assert needs_services(words) is expected


def test_a_failure_is_one_line_and_status_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(words: list[str]) -> int:
        raise StartError("no such luck")

    monkeypatch.setattr(cli, "_dispatch", fail)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)

    assert cli.main(["up"]) == 1
    assert capsys.readouterr().err == "./dev: no such luck\n"


def test_the_fleets_record_is_kept_while_its_runner_lives(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    record = FleetRecord(
        "run", ProcessIdentity.of_this_process(), 8000, {"REDIS_URL": "redis://given"}
    )
    record.save(layout)

    assert FleetRecord.load(layout) == record


def test_a_record_of_a_dead_runner_is_only_the_last_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    dead = ProcessIdentity(pid=ProcessIdentity.of_this_process().pid, began="earlier")
    record = FleetRecord("run", dead, 8000, {})
    record.save(layout)

    assert FleetRecord.load(layout) is None
    assert FleetRecord.last(layout) == record
    FleetRecord.forget(layout)
    assert FleetRecord.last(layout) is None


def test_a_record_of_another_shape_is_no_record(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    (layout.run / "fleet.json").write_text(json.dumps({"mode": "up"}))

    assert FleetRecord.load(layout) is None


def test_only_one_starts_or_stops_at_a_time(tmp_path: Path) -> None:
    layout = Layout(tmp_path)

    with (
        sole_starter(layout),
        pytest.raises(StartError, match=r"another \./dev"),
        sole_starter(layout),
    ):
        pass


@pytest.mark.parametrize(
    ("url", "broker", "expected"),
    [
        ("redis://h:1/0", None, ["redis://h:1/0", "redis://h:1/1"]),
        ("redis://h:1", None, ["redis://h:1", "redis://h:1/1"]),
        ("redis://h:1/4", "redis://b:2/0", ["redis://h:1/4", "redis://b:2/0"]),
    ],
)
def test_the_brokers_redis_database_is_emptied_too(
    url: str, broker: str | None, expected: list[str]
) -> None:
    assert redis_databases(url, broker) == expected


def test_a_socket_path_fits_however_deep_the_directory_is(tmp_path: Path) -> None:
    deep = Layout(tmp_path / ("d" * 60) / ("e" * 60))

    path = deep.socket("mariadb.sock")

    assert len(str(path)) < 104
    assert path == Layout(deep.base).socket("mariadb.sock")
    assert Layout(tmp_path).socket("a.sock").parent == Layout(tmp_path).run
