"""Threads that wait for slow calls: as many as are needed, gone again when nothing is to do."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

IDLE_SECONDS = 30.0


class Callers:
    """A pool of daemon threads, so that a call that hangs cannot hold up the process's end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0

    def submit(self, call: Callable[[], None]) -> None:
        """Have ``call`` made by a thread of the pool; it must not raise."""
        self._work.put(call)
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._threads == self._most:
                return
            self._threads += 1
            name = f"caller-{self._threads}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                call = self._work.get(timeout=IDLE_SECONDS)
            except Empty:
                # Only if nobody counts on this thread: otherwise work is just being put.
                if self._idle.acquire(blocking=False):
                    break
                continue
            call()
            del call
            self._idle.release()
        with self._lock:
            self._threads -= 1
