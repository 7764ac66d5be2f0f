"""A stage where clients crowd each other: two workers a lane, and batches so small that both work.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from audit.run import audit
from domain.jobs.kinds import Lane
from fleet.layout import PROJECT
from fleet.supervision.procfile import parse
from infra.database import database
from infra.redis import redis
from infra.settings import settings
from tests.support.chaos.stage import Stage, staged
from tests.support.emptying import empty_tables
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
    empty_tables()
    redis().flushall()
    empty_topics()
    small = {"DRAIN_BATCH": "8", "DRAIN_BATCH_PER_KEY": "8", "LOG_LEVEL": "warning"}
    try:
        with staged(
            services, directory, {**small, **(more or {})}, _doubled(directory)
        ) as running:
            yield running
    finally:
        database.forget_idle()


def _doubled(directory: Path) -> Path:
    """The Procfile with a second program a lane: users2 and coupons2."""
    programs = parse((PROJECT / "Procfile").read_text())
    lanes = [replace(one, name=f"{one.name}2") for one in programs if one.name in set(Lane)]
    assert len(lanes) == len(Lane)
    file = directory / "Procfile"
    file.write_text("".join(f"{one.name}: {one.command}\n" for one in [*programs, *lanes]))
    return file


def assert_audit_holds(*, quiet: bool = True) -> None:
    """Every invariant of the contract holds; ``quiet``: once nothing is under way any more."""
    report = audit(settings(), QUIET_SECONDS if quiet else 0)
    broken = [finding.as_json() for finding in report.findings if finding.status != "holds"]
    assert broken == []
