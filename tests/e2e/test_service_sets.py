"""The services as a set: which are chosen, started together, and emptied."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from confluent_kafka.admin import AdminClient

from fleet.console import StartError
from fleet.services.checks import connect_database
from fleet.services.emptying import empty
from fleet.services.kafka_stand_in import KafkaStandIn
from fleet.services.mariadb import MariaDb
from fleet.services.mysql import MySql
from fleet.services.redis_server import RedisServer
from fleet.services.selection import ServiceSet, select
from tests.support.services import private_database


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for kind in (MariaDb, MySql, RedisServer, KafkaStandIn):
        kind(tmp_path).erase()


def test_emptying_a_given_database_drops_its_tables(directory: Path) -> None:
    database = private_database(directory)
    database.start()
    with connect_database(database.url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parent (id BIGINT PRIMARY KEY)")
        cursor.execute("CREATE TABLE child (id BIGINT, FOREIGN KEY (id) REFERENCES parent (id))")

        empty("database", database.url, {})

        assert cursor.execute("SHOW TABLES") == 0


def test_emptying_a_given_redis_spares_the_databases_that_are_not_the_shops(
    directory: Path,
) -> None:
    server = RedisServer(directory, death_signal="KILL")
    server.start()
    clients = [redis.Redis(port=server.port, db=number) for number in range(3)]
    for client in clients:
        client.set("key", "1")

    empty("redis", server.url, {})

    assert [client.dbsize() for client in clients] == [0, 0, 1]
    for client in clients:
        client.close()


def test_a_given_service_that_does_not_answer_stops_the_start(directory: Path) -> None:
    services = select(directory, {"REDIS_URL": "redis://127.0.0.1:1/0", "FLEET_SERVICES": "local"})

    with pytest.raises(StartError, match="REDIS_URL is set, but nothing answers there"):
        services.start()

    assert not any(service.running() for service in services.own)


def test_one_that_fails_takes_down_those_started_beside_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MariaDb, "_command", lambda self: ["false"])
    database = MariaDb(directory, death_signal="KILL")
    server = RedisServer(directory, death_signal="KILL")

    with pytest.raises(StartError, match="MariaDB ended while starting"):
        ServiceSet({}, [database, server]).start()

    assert not server.running()


def test_the_stand_in_for_kafka_is_there_only_when_asked_for(directory: Path) -> None:
    settings = {"KAFKA_STAND_IN": "1", "FLEET_SERVICES": "local"}
    names = [service.name for service in select(directory, settings).own]
    assert names == ["kafka-stand-in", "mariadb", "redis"]

    stand_in = KafkaStandIn(directory, death_signal="KILL")
    stand_in.start()

    admin = AdminClient({"bootstrap.servers": stand_in.url, "log_level": 0})
    assert len(admin.list_topics(timeout=5).brokers) == 1
