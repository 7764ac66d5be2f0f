"""``dramatiq bench.one_lock --queues LANE``: workers as the shop's, under one lock for all jobs.

What a lock for each key is worth is seen beside this: whoever wants to do a job waits until nobody
else does any. The shop itself has no such setting, and needs none.
"""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from domain.jobs import drain
from infra.redis import load_script

LOCK = "lock:everything"
_WAIT_SECONDS = 0.001


class _Granted:
    """Instead of the locks of keys: who has the one lock has them all."""

    def acquire(self, keys: Sequence[str]) -> tuple[str, list[str]]:
        return "", list(keys)

    def release(self, _token: str, keys: Sequence[str]) -> int:
        return len(keys)


class OneLockDrain(drain.Drain):
    """Holds the lock from before it looks for work until that work is done."""

    def __init__(self, kinds: Any, client: Any, **more: Any) -> None:
        super().__init__(kinds, client, **more)
        self._locks: Any = _Granted()
        self._milliseconds = int(1_000 * more["lease_seconds"])
        self._take = client.register_script(load_script("lock_acquire"))
        self._give = client.register_script(load_script("lock_release"))
        self._own = threading.local()

    def _window(self, lane: Any, busy: set[str]) -> Any:
        self._wait()
        found = []
        try:
            found = super()._window(lane, busy)
        finally:
            if not found:
                self._leave()
        return found

    def _round(self, lane: Any, kind: str, wanted: dict[str, int]) -> set[str]:
        try:
            return super()._round(lane, kind, wanted)
        finally:
            self._leave()

    def _wait(self) -> None:
        self._own.token = os.urandom(16).hex()
        while not self._take([LOCK], [self._own.token, self._milliseconds]):
            time.sleep(_WAIT_SECONDS)

    def _leave(self) -> None:
        self._give([LOCK], [self._own.token])


drain.Drain = OneLockDrain  # type: ignore[misc]

from workers.main import broker  # noqa: E402

__all__ = ["broker"]
