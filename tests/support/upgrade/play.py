"""Both orders, each from an empty database with the earlier release's schema."""

from pathlib import Path

from redis import Redis

from fleet.console import say
from infra.database import database
from tests.support.emptying import drop_all
from tests.support.outbox import Topics
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.upgrade.crossing import ORDERS, Taken, backward, forward, take
from tests.support.upgrade.pair import PROGRAMS, Pair
from tests.support.upgrade.releases import Release
from tests.support.upgrade.rows import record


def play(
    services: TestServices, directory: Path, old: Release, new: Release, seconds: float
) -> list[Taken]:
    """Each order there and back; one that breaks is not gone back from."""
    count = sum(len([*forward(order), *backward(order)]) for order in ORDERS)
    taken: list[Taken] = []
    for number, order in enumerate(ORDERS):
        say(order)
        _empty(services)
        pair = Pair(services, directory / f"order{number}", old, new)
        try:
            pair.fleets["old"].cli("migrate")
            with Topics() as topics:
                pair.fleets["new"].start("platform")
                pair.start("old", *PROGRAMS)
                for steps in ([*forward(order)], [*backward(order)]):
                    taken += take(order, steps, pair, topics, seconds / count, seed=number)
                    if taken[-1].wrong:
                        break
        finally:
            pair.end()
            database.forget_idle()
    return taken


def record_rows(
    services: TestServices, directory: Path, old: Release, new: Release, file: Path
) -> None:
    """Write what the earlier release leaves in an empty database to ``file``."""
    _empty(services)
    pair = Pair(services, directory, old, new)
    try:
        pair.fleets["old"].cli("migrate")
        record(pair, file)
    finally:
        pair.end()


def _empty(services: TestServices) -> None:
    """No table, nothing in Redis, no record in the topics."""
    drop_all()
    with Redis.from_url(services.urls.redis) as client:
        client.flushall()
    empty_topics()
