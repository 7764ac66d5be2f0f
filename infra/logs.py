"""JSON lines on standard output, one an event, for our code and the libraries' alike."""

import atexit
import logging
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog

KEPT_SECONDS = 0.05
KEPT_LINES = 1_000
_LINE = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def configure(process: str, level: str, stream: TextIO | None = None) -> None:
    """Send structlog's and logging's records to ``stream`` as JSON lines that name the process.

    Standard output, unless that is the process's own: a command's.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ExtraAdder(),
    ]

    def name_process(
        _: structlog.types.WrappedLogger, __: str, event: structlog.types.EventDict
    ) -> structlog.types.EventDict:
        event["process"] = process
        return event

    renderer = structlog.processors.JSONRenderer(
        serializer=lambda event, default: orjson.dumps(event, default=default).decode()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                name_process,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    # It would log each statement with its values, which are not for logs.
    logging.getLogger("peewee").setLevel(logging.WARNING)


class LineLog:
    """Lines like the others', for what happens at each request.

    They go to standard output past logging, at a tenth of what structlog's way through it costs,
    and several at once: a write each would wake whoever reads the log thousands of times a second.
    A process that is killed takes the last twentieth of a second's lines with it. Everything is
    JSON, so nothing that a client sent can begin a line of its own.
    """

    def __init__(self, name: str, process: str) -> None:
        self._logger = logging.getLogger(name)
        self._about = {"logger": name, "process": process}
        self._kept: list[bytes] = []
        self._stream = sys.stdout
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        """One line, if the level is to be logged."""
        if not self._logger.isEnabledFor(level):
            return
        line = {
            **fields, "event": event, "level": logging.getLevelName(level).lower(),
            "timestamp": datetime.now(UTC), **self._about,
        }
        self._stream = sys.stdout  # now: by the time it is written another may stand there
        self._kept.append(orjson.dumps(line, option=_LINE))
        if len(self._kept) >= KEPT_LINES:
            self.flush()
        elif not self._some.is_set():
            self._some.set()
            if self._thread is None:  # by the first line, which is after the fork
                self._start()

    def flush(self) -> None:
        """Write what is kept."""
        kept, self._kept = self._kept, []
        with suppress(OSError, ValueError):  # as in logging: no request fails by its log
            self._stream.write(b"".join(kept).decode())
            self._stream.flush()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="line-log", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(KEPT_SECONDS)
            self._some.clear()
            self.flush()
