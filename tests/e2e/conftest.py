"""A fleet on services of its own: audit reads all of its Kafka, so nobody else may write there."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.api import Api
from tests.support.fleet import Fleet
from tests.support.services import running_test_services
from tests.support.waiting import eventually

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


@pytest.fixture
def unharmed(fleet: Fleet) -> Iterator[None]:
    """Whatever a test sends: the web process lives, serves the next one, and its log has a line of
    JSON for each line, none of them about a failure."""
    log, children = fleet.log("web"), fleet.children("web")
    begins = log.stat().st_size
    yield
    assert fleet.api.call("GET", "/api/products?limit=1", X_Request_Id="the-next").status == 200
    eventually(lambda: b'"the-next"' in log.read_bytes()[begins:], 10, "its line is written")
    assert fleet.children("web") == children
    for line in log.read_bytes()[begins:].splitlines():
        assert not any(byte < 0x20 or byte == 0x7F for byte in line), line
        assert orjson.loads(line)["level"] not in ("error", "critical"), line
