"""What stands before the web processes of both releases: a balancer with a log of its own."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.api import Answer, Api
from tests.support.waiting import eventually

DRAIN_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One request of any kind; ``status`` 0: refused, reset or too late."""

    sent_at: float
    release: str
    what: str
    status: int


class Fronts(Api):
    """Each request goes to one of the fronts that are in, drawn anew.

    A front is taken out before its process is asked to end, as a balancer does it: no new request
    goes there, and those under way are answered first.
    """

    def __init__(self, seed: int = 1) -> None:
        super().__init__("")
        self.seen: list[Seen] = []
        self.wrong: list[str] = []
        """Answers that are not what this release's document says."""
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._in: dict[str, Api] = {}
        self._under_way: dict[str, int] = {}

    def put_in(self, release: str, api: Api) -> None:
        with self._lock:
            self._in[release] = api
            self._under_way.setdefault(release, 0)

    def take_out(self, release: str) -> None:
        with self._lock:
            del self._in[release]
        eventually(lambda: not self._under_way[release], DRAIN_SECONDS, f"{release} is drained")

    def call(
        self, method: str, path: str, body: Any = None, *, user: int | None = None,
        admin: bool = False, **headers: str,
    ) -> Answer:
        with self._drawn() as (release, api):
            began, status = time.monotonic(), 0
            try:
                answer = api.call(method, path, body, user=user, admin=admin, **headers)
                status = answer.status
            except AssertionError as error:
                self.wrong.append(str(error)[:500])
                raise
            finally:
                self.seen.append(Seen(began, release, f"{method} {path}", status))
            return answer

    def between(self, began: float, ended: float) -> list[Seen]:
        return [one for one in list(self.seen) if began <= one.sent_at < ended]

    @contextmanager
    def _drawn(self) -> Iterator[tuple[str, Api]]:
        with self._lock:
            release, api = self._random.choice(sorted(self._in.items()))
            self._under_way[release] += 1
        try:
            yield release, api
        finally:
            with self._lock:
                self._under_way[release] -= 1
