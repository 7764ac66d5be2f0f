"""Services of the tests' own: in a directory of theirs, gone when the tests' process is.

Nothing here looks at DATABASE_URL and its like, so no test can reach a user's data.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet.services.base import Service
from fleet.services.selection import CHOICE_VARIABLE, ServiceSet, ServiceUrls, select


@dataclass(frozen=True)
class TestServices:
    """The addresses, and the handles by which fault tests stop, kill, pause and restart each."""

    __test__ = False

    urls: ServiceUrls
    database: Service
    redis: Service
    kafka: Service


def start_test_services(directory: Path) -> TestServices:
    """Start all three in parallel below `directory` and wait until they answer.

    Raises StartError where one cannot be had: a test never goes on without it.
    """
    services = _own(directory)
    services.start()
    by_role = {service.role: service for service in services.own}
    return TestServices(urls=services.urls, **by_role)


def erase_test_services(directory: Path) -> None:
    """End them at once and delete what they hold."""
    for service in _own(directory).own:
        service.erase()


@contextmanager
def running_test_services(directory: Path) -> Iterator[TestServices]:
    try:
        yield start_test_services(directory)
    finally:
        erase_test_services(directory)


def _own(directory: Path) -> ServiceSet:
    choice = {CHOICE_VARIABLE: os.environ.get(CHOICE_VARIABLE, "")}
    return select(directory, choice, death_signal="KILL")
