"""Wakes: the hint that a lane has work.

At most one wake a lane is on its way: a flag in Redis says so. The worker clears it before it looks
at the database, so work committed after that look sets the flag anew; the flag's own end, a second
later, makes up for a wake that was lost. The sweeper makes up for the rest.
"""

import threading
import time
from collections.abc import Callable

import structlog
from dramatiq import Message
from dramatiq.broker import Broker
from redis import Redis
from redis.exceptions import RedisError

from domain.jobs.kinds import Lane
from infra.metrics import wakes_failed, wakes_sent

ACTOR = "drain"
FLAG_MILLISECONDS = 1000
REST_SECONDS = 1.0
"""How long a sender leaves Redis alone after it failed."""

log = structlog.get_logger(__name__)


def _flag(lane: Lane) -> str:
    return f"wake:{lane}"


def wake_message(lane: Lane) -> "Message[None]":
    """The actor's message, built from its name: who sends it need not import the workers."""
    return Message(
        queue_name=str(lane), actor_name=f"{ACTOR}.{lane}", args=(str(lane),), kwargs={}, options={}
    )


def send_wake(lane: Lane, client: Redis, broker: Broker) -> bool:
    """Wake ``lane`` unless a wake is on its way. Returns whether one was sent.

    Raises RedisError when it could not be sent.
    """
    if not client.set(_flag(lane), b"1", nx=True, px=FLAG_MILLISECONDS):
        return False
    broker.enqueue(wake_message(lane))
    wakes_sent.labels(lane).inc()
    return True


def wake_received(lane: Lane, client: Redis) -> None:
    """Let the next wake through; called before looking for work. Redis away: the flag expires."""
    try:
        client.delete(_flag(lane))
    except RedisError as error:
        log.warning("wake flag not cleared", lane=lane, error=str(error))


def forget_wakes(client: Redis, broker: Broker) -> None:
    """Throw away the wakes of all lanes that nobody has received, and their flags.

    Raises RedisError.
    """
    client.delete(*map(_flag, Lane))
    for lane in Lane:
        broker.flush(str(lane))


class WakeSender:
    """Sends wakes from a thread of its own, so that no request waits for Redis.

    Wakes asked for meanwhile run together. After a failure it rests for a second (the circuit is
    open), then tries again what was asked for last.
    """

    def __init__(
        self, client: Redis, broker: Broker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._broker = broker
        self._clock = clock
        self._wanted: set[Lane] = set()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._rest_until = 0.0

    def wake(self, lane: Lane) -> None:
        """Ask for a wake of ``lane``; returns at once."""
        self._wanted.add(lane)
        self._changed.set()
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:  # after a fork, the first request starts it
                self._thread = threading.Thread(target=self._run, name="wake-sender", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            rest = self._rest_until - self._clock()
            if rest > 0:
                time.sleep(rest)
            while self._wanted:
                self._send(self._wanted.pop())

    def _send(self, lane: Lane) -> None:
        try:
            send_wake(lane, self._client, self._broker)
        except RedisError as error:
            # Not asked for again: the sweeper finds the work, and the next commit wakes anyway.
            wakes_failed.labels(lane).inc()
            self._rest_until = self._clock() + REST_SECONDS
            log.warning("wake not sent", lane=lane, error=str(error))
        except Exception:  # the thread must outlive whatever one wake does to it
            wakes_failed.labels(lane).inc()
            log.exception("wake failed", lane=lane)
