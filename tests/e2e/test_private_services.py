"""Each service, by the class that starts it: real work, then a crash that loses nothing."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from fleet.console import StartError
from fleet.ports import PortBook
from fleet.services.base import LocalService
from fleet.services.checks import connect_database
from fleet.services.emptying import empty
from fleet.services.kafka_broker import KafkaBroker
from fleet.services.redis_server import RedisServer
from tests.support.services import private_database


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for service in (private_database(tmp_path), RedisServer(tmp_path)):
        service.erase()


def started(service: LocalService) -> LocalService:
    service.start()
    assert service.running()
    assert service.ready()
    return service


def test_a_database_keeps_what_was_committed(directory: Path) -> None:
    database = started(private_database(directory))
    url = database.url
    with connect_database(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (id BIGINT PRIMARY KEY, text VARCHAR(10))")
        cursor.execute("INSERT INTO kept VALUES (1, 'ก🛒')")

    database.kill()
    assert not database.running()
    assert not database.ready()
    database.start()

    assert database.url == url
    with connect_database(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT text FROM kept")
        assert cursor.fetchall() == (("ก🛒",),)


def test_a_database_is_durable_and_reads_what_is_committed(directory: Path) -> None:
    database = started(private_database(directory))
    with connect_database(database.url) as connection, connection.cursor() as cursor:

        def variable(name: str) -> Any:
            cursor.execute(f"SELECT @@{name}")
            return cursor.fetchone()[0]

        assert variable("innodb_flush_log_at_trx_commit") == 1
        # Each server has one of the two; some MariaDB have both.
        cursor.execute("SHOW VARIABLES WHERE variable_name IN ('tx_isolation', "
                       "'transaction_isolation')")
        assert {value for _, value in cursor.fetchall()} == {"READ-COMMITTED"}
        assert variable("character_set_database") == "utf8mb4"
        assert variable("time_zone") == "+00:00"
        assert variable("bind_address") == "127.0.0.1"


def test_a_database_lets_tests_make_databases_of_their_own_and_no_others(directory: Path) -> None:
    database = started(private_database(directory))
    with connect_database(database.url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop_of_a_test")
        cursor.execute("SHOW ENGINE INNODB STATUS")
        with pytest.raises(pymysql.MySQLError, match="denied"):
            cursor.execute("CREATE DATABASE elsewhere")


def test_redis_keeps_what_its_log_holds(directory: Path) -> None:
    server = started(RedisServer(directory, death_signal="KILL"))
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "1")
        # The log is brought to disk every second; the operating system has it at once.
        server.kill()
        server.start()
        assert client.get("kept") == b"1"
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_redis_paused_answers_nobody_until_it_is_resumed(directory: Path) -> None:
    server = started(RedisServer(directory, death_signal="KILL"))

    server.pause()
    assert server.running()
    assert not server.ready()

    server.resume()
    assert server.ready()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"), death_signal="KILL")
    broker.start()
    yield broker
    broker.erase()


def make_topics(bootstrap_servers: str, *names: str) -> AdminClient:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    for made in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        made.result(30)
    return admin


def test_kafka_keeps_what_it_acknowledged(broker: KafkaBroker) -> None:
    bootstrap_servers = broker.url
    make_topics(bootstrap_servers, "kept")
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "log_level": 0})
    outcomes: list[object] = []
    producer.produce("kept", b"1", on_delivery=lambda error, _: outcomes.append(error))
    assert producer.flush(30) == 0
    assert outcomes == [None]

    broker.kill()
    assert not broker.ready()
    broker.start()

    assert broker.url == bootstrap_servers
    assert read_one(bootstrap_servers, "kept") == b"1"


def test_emptying_a_given_kafka_deletes_the_shops_topics_and_no_others(
    broker: KafkaBroker,
) -> None:
    admin = make_topics(broker.url, "orders.events", "wallet.events", "somebody.elses")

    empty("kafka", broker.url, {})

    def left() -> set[str]:
        return {name for name in admin.list_topics(timeout=10).topics if name[:2] != "__"}

    # Brokers tell of a change a moment after it is made.
    deadline = time.monotonic() + 10
    while "somebody.elses" not in left() or any(name.endswith(".events") for name in left()):
        assert time.monotonic() < deadline, left()
        time.sleep(0.1)


def read_one(bootstrap_servers: str, topic: str) -> bytes | None:
    settings = {
        "bootstrap.servers": bootstrap_servers,
        "group.id": "reader",
        "auto.offset.reset": "earliest",
        "log_level": 0,
    }
    consumer = Consumer(settings)
    try:
        consumer.subscribe([topic])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and message.error() is None:
                return message.value()
        return None
    finally:
        consumer.close()


def test_a_restart_keeps_the_address(directory: Path) -> None:
    server = started(RedisServer(directory, death_signal="KILL"))
    url, pid = server.url, server.pid

    server.restart()

    assert server.url == url
    assert server.pid != pid


def test_another_object_stands_for_the_same_instance(directory: Path) -> None:
    server = started(RedisServer(directory, death_signal="KILL"))
    other = RedisServer(directory)

    other.start()

    assert other.pid == server.pid
    other.stop()
    assert not server.running()


def test_a_port_lost_to_another_program_is_replaced(directory: Path) -> None:
    server = started(RedisServer(directory, death_signal="KILL"))
    server.stop()
    intruder = RedisServer(directory / "intruder", death_signal="KILL")
    PortBook(intruder.layout.ports).reserve("redis", prefer=server.port)
    intruder.start()
    try:
        server.start()

        assert server.port != intruder.port
        assert server.ready()
    finally:
        intruder.erase()


def test_erased_is_empty(directory: Path) -> None:
    server = started(RedisServer(directory, death_signal="KILL"))
    with redis.Redis.from_url(server.url) as client:
        client.set("gone", "1")

    server.erase()
    server.start()

    with redis.Redis.from_url(server.url) as client:
        assert client.get("gone") is None


def test_a_service_that_cannot_start_says_why(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ["redis-server", "--port", "none"]
    monkeypatch.setattr(RedisServer, "_command", lambda self: broken)

    with pytest.raises(StartError, match=r"(?s)Redis ended while starting.*FATAL CONFIG"):
        RedisServer(directory, death_signal="KILL").start()
