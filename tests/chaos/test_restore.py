"""A database that is put back under a whole fleet: Kafka, Redis and clients are ahead of it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit import audit
from domain.controls import service as controls
from infra.database import database as connection
from infra.settings import settings
from tests.integration.audit.shop import broken
from tests.support.api import Api
from tests.support.backup import dump, put_back
from tests.support.chaos.readings import asked
from tests.support.chaos.stage import Stage
from tests.support.chaos.traffic import Traffic
from tests.support.market import empty_shop
from tests.support.outbox import Topics
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

CLIENTS, MORE = 4, 3
SWITCHES = ("read-only", "lane.users.paused", "lane.coupons.paused")
EFFECTS = {
    "order.completed": "SELECT id, user_id, final_amount FROM orders",
    "order.cancelled": "SELECT id, user_id, final_amount FROM orders WHERE status = 'CANCELLED'",
    "coupon.issued": "SELECT id, user_id, coupon_id FROM user_coupons",
    "balance.charged": "SELECT user_id, previous_balance, amount FROM balance_history "
    "WHERE kind = 'charge'",
}
"""What each type of event tells of, as the tables have it."""
NAMES = {
    "order.completed": ("orderId", "userId", "finalAmount"),
    "order.cancelled": ("orderId", "userId", "finalAmount"),
    "coupon.issued": ("userCouponId", "userId", "couponId"),
    "balance.charged": ("userId", "previousBalance", "chargedAmount"),
}


@pytest.fixture(autouse=True)
def _numbers_from_one(database: None) -> Iterator[None]:
    """A table that stayed empty would go on numbering where it was moved to."""
    yield
    empty_shop()


def effects() -> dict[str, Counter[tuple[Any, ...]]]:
    return {kind: Counter(asked(sql)) for kind, sql in EFFECTS.items()}


def wait_for_more(before: dict[str, Counter[tuple[Any, ...]]]) -> None:
    """Until some more of each effect has happened."""

    def more() -> bool:
        now = effects()
        return all((now[kind] - before[kind]).total() >= MORE for kind in EFFECTS)

    eventually(more, 60, "some of each effect happens")


def told(report: dict[str, Any]) -> dict[str, Counter[tuple[Any, ...]]]:
    """What a report names as lost, in the same form."""
    return {
        kind: Counter(
            tuple(one[name] for name in names) for one in report["lost"] if one["type"] == kind
        )
        for kind, names in NAMES.items()
    }


def all_is_told() -> bool:
    """Every job has ended, its event is in Kafka, and the exports have heard of it."""
    [left] = asked(
        "SELECT (SELECT COUNT(*) FROM jobs WHERE queue_lane IS NOT NULL), "
        "(SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL), "
        "(SELECT COUNT(*) FROM outbox_events WHERE aggregatetype = 'order') "
        "- (SELECT COUNT(*) FROM order_exports WHERE status = 'synced')"
    )
    return not any(left)


def meanings(topics: Topics, kind: str) -> Counter[str]:
    """Of each key of a topic, how many different events of a type bear it."""
    events = {
        (record.key, record.event_id) for record in topics.read()
        if record.headers["ce_type"] == kind
    }
    return Counter(key for key, _ in events)


def reconciled(stage: Stage, file: Path) -> dict[str, Any]:
    """The report of a reconcile that succeeds as soon as those who have ended are gone."""
    connection.forget_idle()

    def done() -> Any:
        file.unlink(missing_ok=True)  # of a try that somebody came in between of
        # As much may have happened after the backup as before it.
        tried = stage.cli("reconcile", "--yes", "--json", str(file), check=False)
        return tried if tried.returncode == 0 else None

    eventually(done, 30, "reconcile has nobody in its way")
    return dict(json.loads(file.read_text()))


def switched(on: bool) -> None:
    """What ``./dev controls set`` does, without a process for each."""
    for name in SWITCHES:
        controls.change(name, on, 0)


def buys(api: Api, user: int, product: int) -> int:
    api.put_in_cart(user, product)
    return int(api.ended(api.order(user), user)["result"]["orderId"])


def test_a_backup_that_is_older_than_kafka_and_redis(
    stage: Stage, topics: Topics, tmp_path: Path
) -> None:
    # Given a shop under load, a backup that is made meanwhile, and more load after it
    url = stage.services.urls.database
    with Traffic(stage.api, clients=CLIENTS) as traffic:
        wait_for_more(effects())
        backup = dump(url)
        wait_for_more(effects())
    eventually(all_is_told, 60, "everything is done and told")
    happened = effects()
    refused = stage.cli("reconcile", check=False)
    assert (refused.returncode, "Not reconciled" in refused.stderr) == (1, True), refused.stderr
    # When the database is put back
    stage.fleet.stop()
    put_back(url, backup)
    stood = effects()
    lost = {kind: happened[kind] - stood[kind] for kind in EFFECTS}
    assert all(lost.values()), lost
    assert "event-unknown" in broken(audit(settings()))[6]
    # And reconciled, step by step as docs/operations.md has it
    switched(True)
    report = reconciled(stage, tmp_path / "lost.json")
    # Then the report names exactly the effects after the backup
    assert told(report) == lost
    assert (report["eventsLost"], report["eventsUnreadable"]) == (
        sum(map(Counter.total, lost.values())), 0,
    )
    # When the fleet is back, and does what the backup held as accepted
    stage.start_fleet()
    switched(False)
    users = [user for user, *_ in traffic.users]
    eventually(lambda: stage.api.charge(users[0], 1).status == 202, 15, "the front accepts")
    orders = [buys(stage.api, user, traffic.products[0]) for user in users for _ in range(3)]
    coupon = stage.api.new_coupon(100)
    asked_for = [stage.api.issue(user, coupon) for user in users]
    for user, answer in zip(users, asked_for, strict=True):
        assert stage.api.ended(answer, user)["status"] == "succeeded"
    # Then nothing that is new bears a number that was lost
    assert not set(orders) & {order for order, *_ in lost["order.completed"]}
    eventually(all_is_told, 60, "everything is done, told and exported")
    for kind in ("order.completed", "coupon.issued"):
        assert {key: n for key, n in meanings(topics, kind).items() if n > 1} == {}
    # And every invariant holds
    done = stage.cli("audit", "--wait", "60", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
