"""How long the disk takes to keep a few bytes, looked at beside a load.

A commit waits for such a flush, and so do all that are accepted or ended by it. On a disk that is
others' too one may take a hundred times as long as the one before; a slowest hundredth can then be
the disk's and not the shop's.
"""

import os
import threading
import time
from pathlib import Path

from bench.generator.plan import percentile

_EVERY_SECONDS = 0.05
_SLOW_MS = 20.0
_BYTES = b"\0" * 512


class Flushes:
    """Writes and flushes some bytes of a file in ``directory``, twenty times a second, from
    entering to leaving; the file is removed then."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "flushes"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flushes", daemon=True)
        self.milliseconds: list[float] = []

    def __enter__(self) -> "Flushes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def figures(self) -> dict[str, float]:
        """The slowest hundredth's least and the slowest, in ms; and the share of them over 20 ms,
        in percent of the time."""
        ordered = sorted(self.milliseconds)
        slow = sum(one for one in ordered if one > _SLOW_MS)
        lasted = max(1.0, len(ordered) * 1_000 * _EVERY_SECONDS + sum(ordered))
        return {
            "flush_p99_ms": percentile(ordered, 0.99),
            "flush_most_ms": max(ordered, default=0.0),
            "flush_slow_percent": 100 * slow / lasted,
        }

    def _run(self) -> None:
        descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            while not self._stopped.wait(_EVERY_SECONDS):
                began = time.perf_counter()
                os.pwrite(descriptor, _BYTES, 0)
                os.fdatasync(descriptor)
                self.milliseconds.append(1_000 * (time.perf_counter() - began))
        finally:
            os.close(descriptor)
            self._path.unlink()
