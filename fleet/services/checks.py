"""Does a service answer? Each asks it for real work, by URL, within some two seconds."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_SECONDS = 2
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def connect_database(url: str, seconds: int = _SECONDS) -> "pymysql.Connection[Any]":
    """A connection by `mysql://user:password@host:port/name`, in autocommit.

    Raises pymysql.MySQLError or OSError.
    """
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or None,
        connect_timeout=seconds,
        read_timeout=seconds,
        autocommit=True,
        ssl_disabled=parts.hostname in _LOOPBACK,
    )


def database_answers(url: str) -> bool:
    """Whether the user of the URL can run a query there."""
    try:
        with connect_database(url) as connection, connection.cursor() as cursor:
            return bool(cursor.execute("SELECT 1"))
    except (pymysql.MySQLError, OSError):
        return False


def redis_process(url: str) -> int | None:
    """The pid the server gives itself, or None if it does not answer or still loads its data."""
    client = redis.Redis.from_url(
        url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=None
    )
    try:
        # Unlike INFO, PING is refused while the server still loads its data.
        client.ping()
        told: dict[str, str] = client.info("server")  # type: ignore[assignment]
        return int(told["process_id"])
    except redis.RedisError:
        return None
    finally:
        client.close()


def kafka_cluster(bootstrap_servers: str) -> str | None:
    """The id of the cluster, or None if no broker answers a metadata request."""
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": bootstrap_servers,
        "socket.timeout.ms": _SECONDS * 1000,
        "log_level": 0,
    }
    try:
        metadata = AdminClient(settings).list_topics(timeout=_SECONDS)
    except KafkaException:
        return None
    return str(metadata.cluster_id) if metadata.brokers else None
