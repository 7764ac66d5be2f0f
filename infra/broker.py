"""Dramatiq's broker, for those that send wakes (web, scheduler) and those that receive them.

Dramatiq's own Redis consumers poll: seldom, and a message waits 150 ms in the median; often, and an
idle worker burns 8 % of a core. Here an idle consumer blocks in Redis until the bell of its queue
rings: picked up within milliseconds, and nothing to do costs nothing.
"""

import threading
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from dramatiq import Message
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware
from redis.exceptions import RedisError

from infra.redis import connect
from infra.settings import Settings

SEND_SECONDS = 0.2
RECEIVE_SECONDS = 5.0
BELL_SECONDS = 1.0
"""How long a consumer listens for the bell before it looks anyway; far below RECEIVE_SECONDS."""
BUSY_SECONDS = 0.005
RINGS_KEPT = 8


def broker_url(settings: Settings) -> str:
    """BROKER_URL, or the database after REDIS_URL's on the same server.

    A database of its own, because Dramatiq's maintenance walks all keys of its database.
    """
    if settings.broker_url:
        return settings.broker_url
    parts = urlsplit(settings.redis_url)
    number = int(parts.path.lstrip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number + 1}"))


def _bell(queue_name: str) -> str:
    return f"bell:{queue_name}"


class BellBroker(RedisBroker):
    """Dramatiq's Redis broker with a bell for each queue, and without delayed messages."""

    @property
    def consumer_class(self) -> type["BellConsumer"]:
        return BellConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> "BellConsumer":
        # Dramatiq asks for two messages a thread. A wake that lies behind a running drain helps
        # nobody here and might be taken by a free worker elsewhere: one a thread.
        return BellConsumer(self, queue_name, max(1, prefetch // 2), timeout)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; not its delay queue, which would be polled and is never used."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: "Message[Any]", *, delay: int | None = None) -> "Message[Any]":
        """Enqueue, then ring. Raises ValueError for a delay, and RedisError."""
        if delay is not None:
            raise ValueError("what is due later waits in the database, not in the broker")
        sent: Message[Any] = super().enqueue(message)
        ring = self.client.pipeline(transaction=False)
        ring.rpush(_bell(message.queue_name), b"1")
        ring.ltrim(_bell(message.queue_name), -RINGS_KEPT, -1)
        ring.execute()
        return sent


class BellConsumer(_RedisConsumer):
    """Fetches when the bell has rung. A ring too many costs one look, one too few a second."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._freed = threading.Event()

    def ack(self, message: MessageProxy) -> None:
        """A thread has come free."""
        try:
            super().ack(message)
        finally:
            self._freed.set()

    def nack(self, message: MessageProxy) -> None:
        """A thread has come free."""
        try:
            super().nack(message)
        finally:
            self._freed.set()

    def __next__(self) -> MessageProxy | None:
        try:
            room = self.prefetch - self.outstanding_message_count
            if not self.message_cache and room > 0:
                self.message_cache = self.broker.do_fetch(self.queue_name, room)
            if not self.message_cache:
                self._wait()
                return None
        except RedisError as error:
            raise ConnectionClosed(error) from None
        message: Message[Any] = Message.decode(self.message_cache.pop(0))
        self.queued_message_ids.add(message.message_id)
        return MessageProxy(message)

    def _wait(self) -> None:
        """For a thread of ours to come free, or for the bell. While some of our threads are busy
        and some free, rings are for the others: it looks by itself."""
        self._freed.clear()  # before the look, so that no thread comes free unseen
        busy = self.outstanding_message_count
        if busy >= self.prefetch:
            self._freed.wait(BELL_SECONDS)
        elif busy:
            time.sleep(BUSY_SECONDS)
        else:
            self.broker.client.blpop([_bell(self.queue_name)], timeout=BELL_SECONDS)


def sending_broker(settings: Settings) -> BellBroker:
    """A broker that only enqueues, and gives up after 200 ms: a wake is a hint."""
    return BellBroker(client=connect(broker_url(settings), SEND_SECONDS), middleware=[])


def receiving_broker(settings: Settings, middleware: list[Middleware]) -> BellBroker:
    """A broker for workers.

    None of Dramatiq's default middleware: retries, age and time limits are the job machinery's
    own, kept in the database; a wake that fails is simply sent again by the sweeper.
    """
    return BellBroker(client=connect(broker_url(settings), RECEIVE_SECONDS), middleware=middleware)
