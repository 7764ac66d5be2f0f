"""Dramatiq's broker, for those that send wakes (web, scheduler) and those that receive them."""

from urllib.parse import urlsplit, urlunsplit

from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware

from infra.redis import connect
from infra.settings import Settings

SEND_SECONDS = 0.2
RECEIVE_SECONDS = 5.0


def broker_url(settings: Settings) -> str:
    """BROKER_URL, or the database after REDIS_URL's on the same server.

    A database of its own, because Dramatiq's maintenance walks all keys of its database.
    """
    if settings.broker_url:
        return settings.broker_url
    parts = urlsplit(settings.redis_url)
    number = int(parts.path.lstrip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number + 1}"))


def sending_broker(settings: Settings) -> RedisBroker:
    """A broker that only enqueues, and gives up after 200 ms: a wake is a hint."""
    return RedisBroker(client=connect(broker_url(settings), SEND_SECONDS), middleware=[])


def receiving_broker(settings: Settings, middleware: list[Middleware]) -> RedisBroker:
    """A broker for workers.

    None of Dramatiq's default middleware: retries, age and time limits are the job machinery's
    own, kept in the database; a wake that fails is simply sent again by the sweeper.
    """
    return RedisBroker(
        client=connect(broker_url(settings), RECEIVE_SECONDS), middleware=middleware
    )
