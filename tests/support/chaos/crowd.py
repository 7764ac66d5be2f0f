"""A stage where clients crowd each other: two workers a lane, and batches so small that both work.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from audit.run import audit
from infra.database import database
from infra.redis import redis
from infra.settings import settings
from tests.support.chaos.stage import Stage, staged
from tests.support.market import empty_shop
from tests.support.services import TestServices
from tests.support.topics import empty_topics

QUIET_SECONDS = 60


def extent(name: str, short: int) -> int:
    """How much of a test is to be done: ``short``, unless the environment asks for more."""
    return int(os.environ.get(name) or short)


@contextmanager
def crowded(
    services: TestServices, directory: Path, more: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """A whole fleet on an empty shop, with ``more`` settings; for many tests, one after another."""
    empty_shop()
    redis().flushall()
    empty_topics()
    small = {"DRAIN_BATCH": "8", "DRAIN_BATCH_PER_KEY": "8", "LOG_LEVEL": "warning"}
    try:
        with staged(
            services, directory, {**small, **(more or {})}, twice=("users", "coupons")
        ) as running:
            yield running
    finally:
        database.forget_idle()


def assert_audit_holds() -> None:
    """Once the work under way has ended, every invariant of the contract holds."""
    report = audit(settings(), QUIET_SECONDS)
    broken = [finding.as_json() for finding in report.findings if finding.status != "holds"]
    assert broken == []
