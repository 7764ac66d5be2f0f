"""Fixtures of all tests. Services are the tests' own, started when the first test asks for them.

A service that cannot be had fails the tests that need it: none is skipped.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tests.support.client import Client
from tests.support.emptying import empty_tables
from tests.support.services import Lent, TestServices, running_test_services

LONGEST_FIRST = ("chaos", "e2e", "concurrency")
"""Directories of tests, so that of several processes none is left with a long file at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        directory = item.path.parent.name
        return LONGEST_FIRST.index(directory) if directory in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def services() -> Iterator[TestServices]:
    """Real MariaDB (or MySQL), Redis and Kafka, empty, for this test session alone."""
    if lent := Lent.to_us():
        yield lent.taken()
        return
    with (
        tempfile.TemporaryDirectory(prefix="ordering-tests-") as directory,
        running_test_services(Path(directory)) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def _schema(services: TestServices) -> None:
    """The process's settings point at the tests' services, whose schema is up to date."""
    os.environ.update(services.urls.environment())
    from domain.outbox import nudge
    from infra.read_cache import read_cache
    from infra.redis import redis
    from infra.settings import settings

    # A test without services may have made these already, for the addresses in the settings.
    for made_once in (settings, redis, read_cache, nudge._nudger):
        made_once.cache_clear()
    from infra import runtime
    from infra.migrate import migrate

    runtime.start("tests")
    migrate()


@pytest.fixture
def database(_schema: None) -> Iterator[None]:
    """The migrated schema, empty."""
    from domain.ranking import service as ranking
    from domain.ranking.fallback import FromOrders
    from infra.database import database as connection
    from infra.read_cache import read_cache

    empty_tables()
    # What this process has kept of the shop before is forgotten too, and that it found Redis away:
    # only who asks the cache finds out that it is back, and the ranking is read from the orders
    # till then, a second late.
    read_cache().forget()
    read_cache.cache_clear()
    ranking._from_orders = FromOrders(ranking.MAX_LIMIT)
    yield
    connection.forget_idle()


@pytest.fixture
def redis(services: TestServices, _schema: None) -> Redis:
    """The tests' Redis, emptied: both the shop's database and the broker's."""
    from infra.redis import redis as client

    own = client()
    assert own.get_connection_kwargs()["port"] == urlsplit(services.urls.redis).port
    own.flushall()
    return own


@pytest.fixture(scope="session")
def _app(_schema: None) -> object:
    from web.app import create_app

    return create_app()


@pytest.fixture
def client(_app: object, database: None) -> Client:
    """The web application on an empty shop; nobody works its jobs but the test itself."""
    return Client(_app)  # type: ignore[arg-type]
