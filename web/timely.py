"""Questions about health, answered in time even when whoever is asked hangs."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Timely(Generic[T]):
    """Puts one question in a thread of its own, and waits for its answer ``seconds`` at most.

    While an answer is overdue nobody asks again, all wait for that one: what hangs has one
    question before it, however often its health is asked for.
    """

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._lock = threading.Lock()
        self._asked: Future[T] | None = None

    def answer(self) -> T:
        """Raises TimeoutError when none has come, and what asking raised."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                threading.Thread(target=self._run, args=(self._asked,), daemon=True).start()
            asked = self._asked
        return asked.result(self._seconds)

    def _run(self, asked: Future[T]) -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:
            asked.set_exception(error)
