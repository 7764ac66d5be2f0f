"""JSON lines on standard output, one an event, for our code and the libraries' alike."""

import logging
import sys
from typing import TextIO

import orjson
import structlog


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
