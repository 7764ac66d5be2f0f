"""What the runner tells the person who waits: short lines on standard error.

Standard output is left to results: `$(./dev token --user 1)` holds a token and nothing else.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StartError(Exception):
    """Something needed cannot be had; the message is the one clear line the person is shown."""


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def step(label: str) -> Iterator[None]:
    """Show that `label` is under way, with the seconds ticking on a terminal, and how it ended."""
    began = time.monotonic()
    finished = threading.Event()
    ticker: threading.Thread | None = None
    if sys.stderr.isatty():
        ticker = threading.Thread(target=_tick, args=(label, began, finished), daemon=True)
        ticker.start()
    ending = "failed"
    try:
        yield
        ending = "done"
    finally:
        finished.set()
        if ticker is not None:
            ticker.join()
            sys.stderr.write("\r\x1b[K")
        say(f"  {label}: {ending} in {time.monotonic() - began:.1f} s")


def _tick(label: str, began: float, finished: threading.Event) -> None:
    while not finished.wait(0.2):
        sys.stderr.write(f"\r\x1b[K  {label} … {time.monotonic() - began:.0f} s")
        sys.stderr.flush()


def last_lines(path: Path, count: int = 30) -> str:
    """The end of a log, indented for quoting; says so where there is none."""
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 32 * 1024))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = []
    if not lines:
        return f"    ({path} is empty)"
    return "\n".join(f"    {line}" for line in lines[-count:])
