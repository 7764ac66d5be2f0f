"""Nudges: "there are new events", by Redis pub/sub. A hint; the relay looks every second anyway."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache

import structlog
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from domain.kernel.backoff import Backoff
from infra.metrics import outbox_nudges_failed
from infra.redis import connect
from infra.settings import settings

CHANNEL = "outbox:nudge"
ANSWER_SECONDS = 0.2
REST_SECONDS = 2.0
"""How long a sender leaves Redis alone after it failed: a nudge is not worth waiting for."""
RECONNECT = Backoff(base=0.2, cap=5.0)
QUIET_SECONDS = 5.0
"""A subscriber that has heard nothing so long asks for a sign of life …"""
DEAF_SECONDS = 10.0
"""… and connects anew when none has come by then: a half-open connection says nothing either."""

log = structlog.get_logger(__name__)


class Nudger:
    """Sends nudges, and never raises."""

    def __init__(self, client: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._rest_until = float("-inf")

    def nudge(self) -> None:
        if self._clock() < self._rest_until:
            return
        try:
            self._client.publish(CHANNEL, b"")
        except RedisError as error:
            self._rest_until = self._clock() + REST_SECONDS
            outbox_nudges_failed.inc()
            log.warning("relay not nudged", error=str(error))


@lru_cache(maxsize=1)
def _nudger() -> Nudger:
    return Nudger(connect(settings().redis_url, ANSWER_SECONDS))


def nudge() -> None:
    """Tell the relay that events were committed. Call it after the commit."""
    _nudger().nudge()


class NudgeListener:
    """Calls ``on_nudge`` for each nudge, from a thread of its own, and after each (re)connection,
    since nudges may have been missed until then."""

    def __init__(self, redis_url: str, on_nudge: Callable[[], None]) -> None:
        self._url = redis_url
        self._on_nudge = on_nudge
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nudge-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, and wait for it: two seconds at most."""
        self._stopping.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                for _ in self._hear():
                    failures = 0
                    self._on_nudge()
            except (RedisError, OSError) as error:
                failures += 1
                pause = RECONNECT.jittered(failures)
                log.warning("not listening for nudges", error=str(error), retry_seconds=pause)
                self._stopping.wait(pause)

    def _hear(self) -> Iterator[None]:
        """One item at the subscription and one a nudge. Raises RedisError when it breaks."""
        client = connect(self._url)
        with client, client.pubsub(ignore_subscribe_messages=True) as subscription:
            subscription.subscribe(CHANNEL)
            yield None
            heard = time.monotonic()
            while not self._stopping.is_set():
                message = subscription.get_message(timeout=1.0)
                silence = time.monotonic() - heard
                if message is not None:
                    heard = time.monotonic()
                    if message["type"] == "message":
                        yield None
                elif silence > DEAF_SECONDS:
                    raise RedisConnectionError(f"nothing heard for {silence:.0f} s")
                elif silence > QUIET_SECONDS:
                    subscription.ping()
