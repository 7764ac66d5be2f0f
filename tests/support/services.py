"""Services of the tests' own: in a directory of theirs, gone when the tests' process is.

Nothing here looks at DATABASE_URL and its like, so no test can reach a user's data.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.services import mysql
from fleet.services.base import LocalService, Service
from fleet.services.database_server import REDO_LOG_VARIABLE
from fleet.services.mariadb import MariaDb
from fleet.services.selection import MANNER, ServiceSet, ServiceUrls, select

# A gigabyte each is too much for those that live for minutes, below a directory in memory maybe.
os.environ.setdefault(REDO_LOG_VARIABLE, "256M")


@dataclass(frozen=True)
class TestServices:
    """The addresses, and the handles by which fault tests stop, kill, pause and restart each."""

    __test__ = False

    urls: ServiceUrls
    database: Service
    redis: Service
    kafka: Service
    directory: Path

    def lent(self) -> "Lent":
        """What another run of the tests needs to use these too, one at a time."""
        return Lent(self.directory)


@dataclass(frozen=True)
class Lent:
    """Services that belong to the run of the tests that started this one, which sees to their end.

    The database of the borrower is one of its own, which the lender makes for it.
    """

    directory: Path
    database: str = "shop_lent"

    def environment(self) -> dict[str, str]:
        """By which the borrower knows of them."""
        return {"TESTS_LENT_SERVICES": str(self.directory)}

    @classmethod
    def to_us(cls) -> "Lent | None":
        """What is lent to this run of the tests, if anything."""
        directory = os.environ.get("TESTS_LENT_SERVICES")
        return cls(Path(directory)) if directory else None

    def taken(self) -> TestServices:
        """The services, running."""
        services = start_test_services(self.directory)
        server = services.urls.database.rpartition("/")[0]
        urls = replace(services.urls, database=f"{server}/{self.database}")
        return replace(services, urls=urls)


def start_test_services(directory: Path) -> TestServices:
    """Start all three in parallel below `directory` and wait until they answer.

    Raises StartError where one cannot be had: a test never goes on without it.
    """
    services = _own(directory)
    services.start()
    by_role = {service.role: service for service in services.own}
    return TestServices(urls=services.urls, directory=directory, **by_role)


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


def private_database(directory: Path) -> LocalService:
    """A database below `directory`, not started, of the kind that this run is about where that is
    a program of this machine: MySQL where FLEET_MYSQLD names one, or MariaDB."""
    if program := os.environ.get(mysql.VARIABLE):
        return mysql.MySql(directory, death_signal="KILL", program=program)
    return MariaDb(directory, death_signal="KILL")


def _own(directory: Path) -> ServiceSet:
    manner = {name: os.environ[name] for name in MANNER & os.environ.keys()}
    return select(directory, manner, death_signal="KILL")
