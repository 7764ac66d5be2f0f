"""The same question, asked by many at once in one process, is put once.

After Go's ``singleflight`` (https://pkg.go.dev/golang.org/x/sync/singleflight), but for one thing:
nobody is given an answer that was on its way before they asked. Whoever comes while a flight is
under way waits for the next one, together with all who come meanwhile. So a reader that comes after
a change sees the change, and a key is asked for once at a time however many want it.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Any


class _Flight:
    """One question on its way, or about to be."""

    __slots__ = ("answer", "error", "landed")

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.answer: Any = None
        self.error: BaseException | None = None


class SingleFlight:
    """Runs at most one question a key at a time, and lets all who wait share the next one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, _Flight] = {}
        self._next: dict[Hashable, _Flight] = {}

    def run(self, key: Hashable, ask: Callable[[], Any]) -> tuple[Any, bool]:
        """What ``ask`` answers, and whether it was another caller who asked.

        The answer is shared: it must not be changed. Raises what ``ask`` raised, for everybody who
        shares it; only when the asker was killed do the others ask anew.
        """
        while True:
            with self._lock:
                flight = self._next.get(key)
                leads = flight is None
                if flight is None:
                    flight = self._next[key] = _Flight()
                    before = self._under_way.get(key)
            if leads:
                return self._lead(key, flight, before, ask), False
            flight.landed.wait()
            if flight.error is None:
                return flight.answer, True
            if isinstance(flight.error, Exception):
                raise flight.error

    def _lead(
        self, key: Hashable, flight: _Flight, before: _Flight | None, ask: Callable[[], Any]
    ) -> Any:
        try:
            if before is not None:
                before.landed.wait()
            with self._lock:
                del self._next[key]
                self._under_way[key] = flight
            flight.answer = ask()
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                for flights in (self._next, self._under_way):
                    if flights.get(key) is flight:
                        del flights[key]
            flight.landed.set()
        return flight.answer
