"""Emptying services that are not ours to delete: only what the application keeps in them."""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import redis
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from fleet.console import StartError
from fleet.services.base import Role
from fleet.services.checks import connect_database

_TOPICS = ("orders.events", "coupons.events", "wallet.events", "products.events")


def empty(role: Role, url: str, environment: Mapping[str, str]) -> None:
    """Delete the application's data there. Raises StartError, or the client's own error."""
    if role == "database":
        _drop_tables(url)
    elif role == "redis":
        for each in redis_databases(url, environment.get("BROKER_URL")):
            with redis.Redis.from_url(each, socket_timeout=30) as client:
                client.flushdb()
    else:
        _delete_topics(url)


def redis_databases(url: str, broker_url: str | None) -> list[str]:
    """The database of the URL, and the broker's: named, or by default the next on that server."""
    if broker_url:
        return [url, broker_url]
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0)
    return [url, urlunsplit(parts._replace(path=f"/{number + 1}"))]


def _drop_tables(url: str) -> None:
    with connect_database(url, seconds=60) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
        names = [row[0].replace("`", "``") for row in cursor.fetchall()]
        cursor.execute("SET foreign_key_checks = 0")
        for name in names:
            cursor.execute(f"DROP TABLE `{name}`")


def _delete_topics(bootstrap_servers: str) -> None:
    """Asks for all of them: metadata may not show yet what has just been made."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    for topic, deletion in admin.delete_topics(list(_TOPICS), operation_timeout=30).items():
        try:
            deletion.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise StartError(f"Kafka would not delete {topic}: {error}") from error
