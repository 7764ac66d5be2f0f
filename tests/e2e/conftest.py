"""A fleet on services of its own: audit reads all of its Kafka, so nobody else may write there."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.fleet import Fleet
from tests.support.services import running_test_services

PROGRAMS = ("web", "users", "coupons", "scheduler", "consumers", "platform")


@pytest.fixture(scope="session")
def whole_fleet() -> Iterator[Fleet]:
    """Every process of the Procfile, on a migrated, empty shop."""
    with (
        tempfile.TemporaryDirectory(prefix="ordering-fleet-") as directory,
        running_test_services(Path(directory) / "services") as services,
    ):
        fleet = Fleet(services, Path(directory))
        fleet.cli("migrate")
        fleet.start(*PROGRAMS)
        try:
            fleet.wait_ready()
            yield fleet
        finally:
            fleet.end()


@pytest.fixture
def fleet(whole_fleet: Fleet) -> Iterator[Fleet]:
    """The whole fleet, running when the test begins and mended after it."""
    yield whole_fleet
    whole_fleet.mend(*PROGRAMS)


@pytest.fixture
def api(fleet: Fleet) -> Api:
    return fleet.api
