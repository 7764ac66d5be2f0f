"""The issuer's public keys as a process holds them: fetched when needed, kept when that fails.

A request whose key is known never waits for the issuer while that is slow or away. Keys are
fetched again when they are ``max_age`` old, and when a token names one that is not known; but not
within RETRY_SECONDS of the last attempt, so that tokens with invented names cannot make us hammer
the issuer.
"""

import math
import threading
import time
from collections.abc import Callable

import jwt
import structlog

from infra import jwks, key_source, metrics
from infra.key_source import Source

RETRY_SECONDS = 5.0
"""Between the end of one attempt and the next, whatever asks for it."""
WAIT_SECONDS = 7.0
"""How long a request that cannot do without waits for an attempt, which ends before that."""

log = structlog.get_logger(__name__)


class KeysUnavailable(Exception):
    """No key has ever been fetched; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the keys that tokens are checked by could not be fetched yet")
        self.retry_after = retry_after


class KeySet:
    """Safe in threads, and in greenlets. Fetches nothing before the first :meth:`find`."""

    def __init__(
        self, source: Source, max_age: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._max_age = max_age
        self._clock = clock
        self._keys: jwks.Keys | None = None
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._failing = False
        self._attempt: threading.Event | None = None
        self._lock = threading.Lock()  # never held while anything is fetched

    @classmethod
    def at(cls, source: str, max_age: float) -> "KeySet":
        """The key set at a URL or path."""
        return cls(key_source.of(source), max_age)

    def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key that a token names, if it is one for ``algorithm``; None if there is no such.

        Aged keys are not used before the issuer was asked for newer ones, unless it did not answer
        the last time: then they are kept, and it is asked meanwhile. Raises KeysUnavailable.
        """
        if self._clock() - self._fetched_at >= self._max_age:
            self._refresh(wait=self._keys is None or not self._failing)
        if self._keys is None:
            raise KeysUnavailable(self._seconds_to_next_attempt())
        if kid is not None and kid not in self._keys:
            self._refresh(wait=True)
        return self._keys.find(kid, algorithm)

    def _refresh(self, wait: bool) -> None:
        """Have the keys fetched, by a thread of its own, unless that was tried a moment ago."""
        with self._lock:
            attempt = self._attempt
            rested = self._clock() - self._tried_at >= RETRY_SECONDS
            if attempt is None or (attempt.is_set() and rested):
                attempt = threading.Event()
                threading.Thread(
                    target=self._try, args=(attempt,), name="key-set", daemon=True
                ).start()
                self._attempt = attempt
        if wait:
            attempt.wait(WAIT_SECONDS)

    def _try(self, attempt: threading.Event) -> None:
        try:
            keys = jwks.parse(self._source())
        except Exception as error:
            self._failing = True
            metrics.key_set_fetches.labels("failed").inc()
            log.warning(
                "the issuer's keys could not be fetched", error=f"{type(error).__name__}: {error}",
                kept=len(self._keys or ()),
            )
        else:
            self._keys, self._fetched_at, self._failing = keys, self._clock(), False
            metrics.key_set_fetches.labels("fetched").inc()
            log.info("the issuer's keys fetched", keys=len(keys), passed_over=keys.passed_over)
        finally:
            self._tried_at = self._clock()
            attempt.set()

    def _seconds_to_next_attempt(self) -> int:
        return max(1, math.ceil(self._tried_at + RETRY_SECONDS - self._clock()))
