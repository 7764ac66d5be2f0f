"""The Docker way, as far as it can be judged without an engine: what is asked of `docker`."""

from pathlib import Path

import pytest
import yaml

from fleet.console import StartError
from fleet.identity import ProcessIdentity
from fleet.layout import PROJECT
from fleet.processes import PidFile, Spawned
from fleet.services import compose
from fleet.services.compose import COMPOSE_FILE, ComposeService
from fleet.services.database_server import DEFAULT_REDO_LOG, REDO_LOG_VARIABLE, redo_log
from fleet.services.mysql import MySql
from fleet.services.redis_server import RedisServer
from fleet.services.selection import ROLES, ServiceSet, left_running, select

SERVICES = yaml.safe_load(COMPOSE_FILE.read_text())["services"]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that notes how it is called, and says yes to everything."""
    programs = tmp_path / "bin"
    programs.mkdir()
    calls = tmp_path / "calls"
    calls.touch()
    program = programs / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$* port=$DATABASE_PORT" >> {calls}\n'
        'case "$*" in *broken*) echo "no engine" >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return calls


@pytest.mark.parametrize("role", ROLES)
def test_each_service_of_the_file_is_published_where_its_url_points(
    role: str, tmp_path: Path
) -> None:
    kind = compose._KINDS[role]  # type: ignore[index]
    published = SERVICES[kind.name]["ports"]

    assert len(published) == 1
    host, variable, container = (
        published[0].split(":")[0],
        published[0].split("${")[1].split(":-")[0],
        published[0].rsplit(":", 1)[1],
    )
    assert (host, variable, container) == (
        "127.0.0.1",
        kind.port_variable,
        str(kind.container_port),
    )


def test_every_service_says_when_it_is_healthy_and_keeps_its_data() -> None:
    for service in SERVICES.values():
        assert service["healthcheck"]["test"]
        assert any("-data:" in volume for volume in service["volumes"])


def test_the_database_is_durable() -> None:
    assert {"--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1"} <= set(
        SERVICES["mysql"]["command"]
    )


def test_the_database_has_as_much_redo_log_in_docker_as_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert f"--innodb-redo-log-capacity={DEFAULT_REDO_LOG}" in SERVICES["mysql"]["command"]

    monkeypatch.setenv(REDO_LOG_VARIABLE, "96M")

    assert redo_log() == "96M"


def test_kafka_tells_clients_the_published_port() -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]

    assert "HOST://127.0.0.1:${KAFKA_PORT:-29092}" in advertised.split(",")


def test_a_service_is_asked_for_in_a_project_of_its_directory(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ComposeService, "ready", lambda self: True)
    one = ComposeService("database", tmp_path / "one")
    other = ComposeService("database", tmp_path / "other")

    one.start()
    other.pause()

    up = next(line for line in docker.read_text().splitlines() if " up " in line)
    paused = docker.read_text().splitlines()[-1]
    assert f"--file {PROJECT / 'docker-compose.yml'} up --detach --no-recreate mysql" in up
    assert up.endswith(f"port={one.port}")
    assert up.split()[2] != paused.split()[2]


def test_what_docker_complains_of_is_told(docker: Path, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no engine"):
        ComposeService("redis", tmp_path)._compose("broken")


def test_docker_is_chosen_where_it_works_and_stays_chosen(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = select(tmp_path / "base", {"REDIS_URL": "redis://given"})
    assert [service.name for service in chosen.own] == ["mysql", "kafka"]

    monkeypatch.setattr(compose, "works", lambda: False)

    again = select(tmp_path / "base", {})
    assert [service.name for service in again.own] == ["mysql", "redis", "kafka"]


def test_without_docker_the_machines_own_programs_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "works", lambda: False)

    chosen = select(tmp_path, {})

    assert [service.name for service in chosen.own] == ["mariadb", "redis", "kafka"]


def test_one_left_of_an_earlier_choice_is_found_beside_dockers_of_its_name(
    docker: Path, tmp_path: Path
) -> None:
    # Given a private Redis that runs still, in a directory that uses Docker's
    left = RedisServer(tmp_path)
    PidFile(left.layout.run / "redis.pid").write(Spawned(ProcessIdentity.of_this_process(), None))
    chosen = ServiceSet({}, [ComposeService("redis", tmp_path)])

    [found] = left_running(tmp_path, chosen)

    assert isinstance(found, RedisServer)


@pytest.mark.parametrize("manner", ["docker", "local"])
def test_a_mysql_program_that_is_named_is_the_database_in_either_case(
    manner: str, tmp_path: Path
) -> None:
    chosen = select(tmp_path, {"FLEET_SERVICES": manner, "FLEET_MYSQLD": "sh"})

    database, *others = chosen.own
    assert isinstance(database, MySql)
    assert [service.name for service in others] == ["redis", "kafka"]


def test_a_database_given_by_url_leaves_no_use_for_a_mysql_program(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": "mysql://a:b@db/shop", "FLEET_MYSQLD": "sh"}

    chosen = select(tmp_path, {**settings, "FLEET_SERVICES": "local"})

    assert [service.name for service in chosen.own] == ["redis", "kafka"]


def test_a_mysql_program_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="FLEET_MYSQLD is '/nowhere/mysqld', which is no program"):
        select(tmp_path, {"FLEET_SERVICES": "local", "FLEET_MYSQLD": "/nowhere/mysqld"})


def test_given_urls_are_used_and_nothing_of_our_own(tmp_path: Path) -> None:
    given = {
        "DATABASE_URL": "mysql://a:b@db/shop",
        "REDIS_URL": "redis://cache/0",
        "KAFKA_BOOTSTRAP_SERVERS": "k1:9092,k2:9092",
    }

    chosen = select(tmp_path, given)

    assert chosen.own == []
    assert chosen.urls.environment() == given


def test_a_choice_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="FLEET_SERVICES is 'podman'"):
        select(tmp_path, {"FLEET_SERVICES": "podman"})
