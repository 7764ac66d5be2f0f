"""A healthy shop that is made once a module, and put right again after each test."""

from collections.abc import Iterator

import pytest

from domain.ranking import service as ranking
from infra.database import execute, session
from infra.redis import redis as redis_client
from tests.integration.audit.shop import KEPT, corrupt, restore, tables
from tests.support.healthy_shop import make_healthy_shop
from tests.support.topics import empty_topics, publish_all


@pytest.fixture(scope="module")
def kept_shop(_schema: None) -> Iterator[None]:
    """A healthy shop, and a copy of each of its tables."""
    redis_client().flushdb()
    empty_topics()
    with session():
        names = [name for name in tables() if name != "migrations"]
        for name in names:
            execute(f"TRUNCATE TABLE {name}")
    make_healthy_shop()
    with session():
        for name in names:
            execute(f"CREATE TABLE {KEPT}{name} AS SELECT * FROM {name}")
    yield
    with session():
        for name in names:
            execute(f"DROP TABLE {KEPT}{name}")


@pytest.fixture
def shop(kept_shop: None) -> Iterator[None]:
    """The healthy shop, its tables put right again after the test."""
    yield
    with session():
        names = [name for name in tables() if name != "migrations"]
    restore(*names)


@pytest.fixture
def whole_shop(shop: None) -> Iterator[None]:
    """The same for tests that change what Kafka or Redis hold."""
    yield
    empty_topics()
    restore("outbox_events", "orders")
    corrupt("UPDATE outbox_events SET status = 'pending'")
    publish_all()
    ranking.rebuild()
