"""Fixtures of the fault suite: a stage on the tests' services, and eyes on the topics."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.chaos.stage import Stage, staged
from tests.support.outbox import Topics
from tests.support.services import TestServices
from tests.support.topics import empty_topics


@pytest.fixture
def stage(
    services: TestServices, database: None, redis: Redis, tmp_path: Path
) -> Iterator[Stage]:
    """A whole fleet under its runner, on an empty shop."""
    empty_topics()
    with staged(services, tmp_path) as running:
        yield running
    for each in (services.database, services.redis, services.kafka):
        each.resume() if each.running() else each.start()


@pytest.fixture
def topics(stage: Stage) -> Iterator[Topics]:
    """Everything that reaches Kafka from now on."""
    with Topics() as eyes:
        yield eyes
