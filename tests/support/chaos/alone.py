"""Services of its own for a command that is no test."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.services import TestServices, running_test_services


@contextmanager
def alone(kept: Path | None) -> Iterator[tuple[TestServices, Path]]:
    """The services, at which this process's settings point and whose schema is up to date, and a
    directory for a fleet's logs: ``kept``, or one that goes with the services.

    Nothing that reads settings may be imported before.
    """
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        directory = kept or Path(scratch) / "stages"
        directory.mkdir(parents=True, exist_ok=True)
        with running_test_services(Path(scratch)) as services:
            os.environ.update(services.urls.environment())
            from infra import logs, runtime
            from infra.migrate import migrate

            runtime.start("chaos")
            logs.configure("chaos", "warning", sys.stderr)  # the table has standard output
            migrate()
            yield services, directory
