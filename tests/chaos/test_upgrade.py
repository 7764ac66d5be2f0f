"""This release does what the one before it accepted, on a schema that has only grown since.

Both beside each other, under load: ``./dev upgrade``.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from redis import Redis

from infra.database import execute, session
from infra.migrate import migrate
from tests.support.chaos.judge import judge
from tests.support.chaos.readings import asked
from tests.support.chaos.traffic import Log
from tests.support.emptying import drop_all
from tests.support.fleet import Fleet
from tests.support.outbox import Topics
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.upgrade.command import main
from tests.support.upgrade.rows import AMOUNT, KEYS, LAST_MIGRATION, load
from tests.support.upgrade.schema import narrowed, schema

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def schema_before(services: TestServices, _schema: None) -> Iterator[None]:
    """An empty database with the schema of the release before this one."""
    drop_all()
    migrate(LAST_MIGRATION)
    yield
    migrate()


@pytest.fixture
def fleet(services: TestServices, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(services, tmp_path, {"DATA_PLATFORM_FAILURE_RATE": "0", "WEB_WORKERS": "1"})
    yield made
    made.end()


def test_what_the_release_before_accepted_is_done_by_this_one(
    schema_before: None, redis: Redis, fleet: Fleet
) -> None:
    # Given what it left: work that was done and told nobody, and work that was accepted
    load()
    queued = {kind: (uuid, user) for kind, uuid, user in asked(
        "SELECT kind, uuid, user_id FROM jobs WHERE status = 'queued'"
    )}
    assert set(queued) == {"balance.charge", "order.place", "order.cancel", "coupon.issue"}
    assert asked("SELECT COUNT(*) > 3 FROM outbox_events WHERE status = 'pending'") == [(1,)]
    empty_topics()
    # When the schema is brought up to date, and this release runs on it
    assert migrate() != []
    with Topics() as topics:
        fleet.start("platform", "web", "users", "coupons", "scheduler", "consumers")
        fleet.wait_ready()
        # Then a client that asks again, by the same key, is told of the same jobs
        job, ann = queued["balance.charge"]
        body = {"amount": AMOUNT, "transactionId": "tx-2"}
        again = fleet.api.call("POST", f"/api/users/{ann}/balance/charge", body, user=ann,
                               Idempotency_Key=KEYS["charge"])
        assert (again.status, again.body["jobId"]) == (202, str(UUID(bytes=job)))
        job, ben = queued["order.place"]
        again = fleet.api.order(ben, Idempotency_Key=KEYS["order"])
        assert (again.status, again.body["jobId"]) == (202, str(UUID(bytes=job)))
        # Then everything is done, told to Kafka in order and to the platform, and adds up
        assert judge(fleet, Log(), topics).wrong == []
    ended = dict(asked("SELECT kind, status FROM jobs ORDER BY id"))
    assert ended == dict.fromkeys(queued, "succeeded")
    assert fleet.api.balance(ann) == 100_000 + 500 + AMOUNT
    assert fleet.api.balance(ben) == 100_000 - 3 * 1000


def test_an_earlier_release_that_is_not_here_is_said_in_one_line(
    capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--from", "v0.0.0-nowhere"]) == 2
    told = capfd.readouterr().err
    assert told.startswith("./dev upgrade: not run: v0.0.0-nowhere is not in this clone")
    assert told.count("\n") == 1


def test_every_migration_since_the_release_before_only_expands(schema_before: None) -> None:
    # Given its schema
    before = schema()
    # When it is brought up to date, Then all that its programs read and write is as it was
    assert migrate() != []
    assert narrowed(before, schema()) == []


def test_a_migration_that_takes_something_away_is_noticed(schema_before: None) -> None:
    # Given a schema, and changes to it by which programs that work on it would break
    before = schema()
    try:
        with session():
            for statement in TAKING_AWAY:
                execute(statement)
        # When the two are compared, Then each is named, and what was merely added is not
        assert sorted(narrowed(before, schema())) == sorted(TAKING_AWAY.values())
    finally:
        drop_all()


TAKING_AWAY = {
    "ALTER TABLE cart_items DROP COLUMN quantity": "cart_items.quantity is gone",
    "ALTER TABLE carts RENAME COLUMN version TO edition": "carts.version is gone",
    "DROP TABLE heartbeats": "heartbeats is gone",
    "ALTER TABLE controls ADD COLUMN colour INT NOT NULL":
        "controls.colour is new and needs a value",
    "ALTER TABLE products MODIFY name VARCHAR(20) NOT NULL": "products.name is another",
    "CREATE UNIQUE INDEX one_price ON products (price)":
        "products.one_price refuses what was allowed",
    "ALTER TABLE users ADD CONSTRAINT poor CHECK (balance < 9)":
        "users.poor refuses what was allowed",
}
