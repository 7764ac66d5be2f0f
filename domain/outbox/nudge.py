"""Nudges: "there are new events", by Redis pub/sub. A hint; the relay looks every second anyway."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache

import structlog
from redis import Redis
from redis.exceptions import RedisError

from domain.kernel.backoff import Backoff
from infra.metrics import outbox_nudges_failed
from infra.redis import connect, listen
from infra.settings import settings

CHANNEL = "outbox:nudge"
ANSWER_SECONDS = 0.2
REST_SECONDS = 2.0
"""How long a sender leaves Redis alone after it failed: a nudge is not worth waiting for."""
RECONNECT = Backoff(base=0.2, cap=5.0)

log = structlog.get_logger(__name__)


class Nudger:
    """Sends nudges, and never raises."""

    def __init__(
        self,
        client: Redis,
        clock: Callable[[], float] = time.monotonic,
        channel: str = CHANNEL,
    ) -> None:
        self._client = client
        self._channel = channel
        self._clock = clock
        self._rest_until = float("-inf")

    def nudge(self) -> None:
        if self._clock() < self._rest_until:
            return
        try:
            self._client.publish(self._channel, b"")
        except RedisError as error:
            self._rest_until = self._clock() + REST_SECONDS
            outbox_nudges_failed.inc()
            log.warning("not nudged", channel=self._channel, error=str(error))


@lru_cache(maxsize=1)
def _nudger() -> Nudger:
    return Nudger(connect(settings().redis_url, ANSWER_SECONDS))


def nudge() -> None:
    """Tell the relay that events were committed. Call it after the commit."""
    _nudger().nudge()


class NudgeListener:
    """Calls ``on_nudge`` for each nudge, from a thread of its own, and after each (re)connection,
    since nudges may have been missed until then."""

    def __init__(
        self, redis_url: str, on_nudge: Callable[[], None], channel: str = CHANNEL
    ) -> None:
        self._url = redis_url
        self._channel = channel
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
                for number, message in enumerate(listen(self._url, self._channel)):
                    if self._stopping.is_set():
                        return
                    failures = 0
                    if number == 0 or message is not None:
                        self._on_nudge()
            except (RedisError, OSError) as error:
                failures += 1
                pause = RECONNECT.jittered(failures)
                log.warning("not listening for nudges", error=str(error), retry_seconds=pause)
                self._stopping.wait(pause)
