"""Clients of one process: threads that send requests from entering a block to leaving it."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

LONGEST_ANSWER = 90.0
"""Seconds that a client may take to be through with its last request."""


class Clients:
    """``threads``, each of which has to end soon after ``_stopping`` is set."""

    def __init__(self, threads: Sequence[threading.Thread]) -> None:
        self._stopping = threading.Event()
        self._threads = threads

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(LONGEST_ANSWER)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"
