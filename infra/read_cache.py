"""Answers that many ask for, kept in Redis for less than a second.

What is promised (docs/caching.md tells why each holds):

- An answer is at most a second old: it is kept for :data:`FRESH_MILLISECONDS` from before the
  database was read, by Redis's clock, and Redis is given :data:`ANSWER_SECONDS` to hand it over.
- After :meth:`ReadCache.forget` no reader is given what was read before it, not even by a reader
  that was slow: values and locks belong to an epoch, and forgetting begins another one.
- When an answer has run out, one reader of the whole fleet asks the database; the others wait.
- Redis away, slow, emptied, or holding something that is not ours: the database is asked, by each
  process once at a time for each answer. After a failure Redis is left alone for a second.

So nothing here need be told of a sale: the stock shown runs out by itself, and transactions that
sell never wait for Redis.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
import structlog
from redis import Redis

from infra.metrics import cache_forgets_failed, cache_reads
from infra.redis import RedisError, connect, load_script
from infra.settings import settings
from infra.single_flight import SingleFlight

FRESH_MILLISECONDS = 800
"""How long an answer is told after the moment just before it was read."""
ANSWER_SECONDS = 0.2
"""How long Redis may take; with the above, the second that an answer may be old."""
LOCK_MILLISECONDS = 500
"""After so long a reader of the database counts as gone, and another one reads."""
PATIENCE_SECONDS = 1.0
"""How long a reader waits for another one's answer before it asks the database itself."""
REST_SECONDS = 1.0
"""How long Redis is left alone after it failed."""

FORMAT = b"1"
"""Part of every value's stamp: what another release wrote in another format is no value."""

_EPOCH = "{reads}:epoch"
_HIT, _YOURS = 0, 1
_STAMP_BYTES = 8
_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.002, 0.02

log = structlog.get_logger(__name__)


class Circuit:
    """Whether Redis is asked: not for a second after it failed, then by one caller at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._again_at: float | None = None

    @property
    def open(self) -> bool:
        """Redis has failed, and nobody has found it working since."""
        return self._again_at is not None

    def lets_through(self) -> bool:
        """Whether this caller may ask; when the rest is over, the first who comes tries."""
        with self._lock:
            if self._again_at is None:
                return True
            if self._clock() < self._again_at:
                return False
            self._again_at = self._clock() + REST_SECONDS
            return True

    def failed(self) -> None:
        with self._lock:
            self._again_at = self._clock() + REST_SECONDS

    def worked(self) -> None:
        with self._lock:
            self._again_at = None


class ReadCache:
    """Reads through Redis. One a process: see :func:`read_cache`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._ask = client.register_script(load_script("cache_read"))
        self._hand_in = client.register_script(load_script("cache_keep"))
        self._flights = SingleFlight()
        self._circuit = Circuit()

    @property
    def away(self) -> bool:
        """Redis was found to be away."""
        return self._circuit.open

    def get(self, name: str, key: str, load: Callable[[], Any]) -> Any:
        """What ``load`` answers, or answered others less than a second ago.

        ``name`` says what sort of answer it is, ``key`` which one; together they must say all that
        the answer depends on. ``load`` reads the database, outside of any transaction, and answers
        what JSON can say; what is empty is not kept. The answer is shared: it must not be changed.
        Raises what ``load`` raises, and nothing of Redis.
        """
        place = f"{{reads}}:{name}:{key}"
        answer, shared = self._flights.run(place, lambda: self._read(name, place, load))
        if shared:
            cache_reads.labels(name, "shared").inc()
        return answer

    def forget(self) -> None:
        """Let nothing be told that was read before now. To be called after the commit.

        Never raises: with Redis away, what is kept there still runs out within the second.
        """
        try:
            self._client.set(_EPOCH, os.urandom(8).hex())
        except RedisError as error:
            self._circuit.failed()
            cache_forgets_failed.inc()
            log.warning("cached answers not forgotten", error=repr(error))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around a transaction that changes what is cached: forgets when it has ended, however it
        has, since a COMMIT whose answer was lost may have happened."""
        try:
            yield
        finally:
            self.forget()

    def _read(self, name: str, place: str, load: Callable[[], Any]) -> Any:
        if not self._circuit.lets_through():
            cache_reads.labels(name, "away").inc()
            return load()
        try:
            found, lock, now = self._look(place)
        except RedisError as error:
            self._circuit.failed()
            cache_reads.labels(name, "error").inc()
            log.warning("cache away, the database is asked", error=repr(error))
            return load()
        self._circuit.worked()
        if found is not None:
            cache_reads.labels(name, "hit").inc()
            return found
        cache_reads.labels(name, "miss" if lock else "late").inc()
        return self._load(place, load, lock, now) if lock else load()

    def _look(self, place: str) -> tuple[Any, bytes, int]:
        """The value there; or None, with the lock under which the caller is to read the database
        and Redis's clock. Without a lock either, the one who has it takes too long."""
        token = os.urandom(8).hex()
        end, pause = time.monotonic() + PATIENCE_SECONDS, _FIRST_LOOK_SECONDS
        while True:
            answer = self._ask(keys=_keys(place), args=[token, LOCK_MILLISECONDS])
            if answer[0] == _HIT:
                found = _unpacked(place, answer[1])
                if found is not None:
                    return found, b"", 0
                self._client.delete(place)  # not ours, or damaged: nobody needs it
            elif answer[0] == _YOURS:
                return None, answer[1], answer[2]
            if time.monotonic() > end:
                return None, b"", 0
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK_SECONDS)

    def _load(self, place: str, load: Callable[[], Any], lock: bytes, now: int) -> Any:
        """Read the database, and keep what it said until it is too old; give the lock back."""
        value = b""
        try:
            loaded = load()
            value = _packed(place, loaded) if loaded else b""
        finally:
            try:
                self._hand_in(keys=_keys(place), args=[lock, value, now + FRESH_MILLISECONDS])
            except RedisError as error:
                self._circuit.failed()
                log.warning("answer not kept", error=repr(error))
        return loaded


def _keys(place: str) -> list[str]:
    return [_EPOCH, place, f"{place}:lock"]


def _stamp(place: str, body: bytes) -> bytes:
    digest = blake2b(body, digest_size=_STAMP_BYTES, key=FORMAT)
    digest.update(place.encode())
    return digest.digest()


def _packed(place: str, value: Any) -> bytes:
    body = orjson.dumps(value)
    return _stamp(place, body) + body


def _unpacked(place: str, packed: bytes) -> Any | None:
    """The value; None for what was not packed for this place, in this format."""
    stamp, body = packed[:_STAMP_BYTES], packed[_STAMP_BYTES:]
    return orjson.loads(body) if stamp == _stamp(place, body) else None


@lru_cache(maxsize=1)
def read_cache() -> ReadCache:
    """The process's cache, with a connection of its own that is given up soon."""
    return ReadCache(connect(settings().redis_url, ANSWER_SECONDS, ANSWER_SECONDS, patient=False))
