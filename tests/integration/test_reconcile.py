"""A database put back from a backup, beside topics and a Redis that have gone on without it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import peewee
import pymysql
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from redis import Redis

from audit import audit
from audit.report import Verdict
from domain.controls import service as controls
from domain.coupons import issue
from domain.exports import service as exports
from domain.orders import cancel
from domain.outbox.events import TOPICS
from domain.ranking import service as ranking
from domain.recovery import service as recovery
from domain.wallet import charge
from infra.connections import connect_params
from infra.database import database, execute, placeholders, session
from infra.numbering import numberings, renumber
from infra.settings import settings
from infra.topic_settings import PARTITIONS
from tests.integration.audit.shop import broken
from tests.support.backup import dump, put_back
from tests.support.cli import run
from tests.support.market import empty_shop, given_coupon, given_product, one, result, select
from tests.support.ordering import placed
from tests.support.outbox import Topics, make_relay
from tests.support.services import TestServices
from tests.support.shop import accepted, given_users, jobs, work
from tests.support.topics import empty_topics
from tests.support.waiting import eventually
from workers.consumers import order_exports
from workers.consumers import ranking as ranking_consumer

STILL = ("read-only", "lane.users.paused", "lane.coupons.paused")


class Shop:
    """Two users, a product and a coupon; whatever happens in it reaches Kafka and the ranking."""

    def __init__(self, services: TestServices, redis: Redis) -> None:
        self._url = services.urls.database
        self._redis = redis
        self.one, self.other = given_users(100_000, 100_000)
        self.product = given_product(stock=1_000)
        self.coupon = given_coupon(10)
        ranking.rebuild()

    def order(self, user: int, quantity: int = 1) -> int:
        return placed(self._redis, user, {self.product: quantity})

    def do(self, command: Any) -> dict[str, Any]:
        [job] = accepted(command)
        work(self._redis)
        return result(jobs([job])[0])

    def publish(self) -> None:
        """The relay, the ranking and the exports do their part."""
        relay = make_relay()
        eventually(lambda: relay.tick() == 0, 30, "all events are in Kafka")
        relay.close()
        assert one("SELECT COUNT(*) FROM outbox_events WHERE status <> 'published'") == 0
        ranking.rebuild()

    def export(self) -> None:
        """The consumer's part: what has been published is in order_exports."""
        for arrivals in exports.unheard_of(settings().retention_days):
            exports.arrive(arrivals)

    def backup(self) -> bytes:
        return dump(self._url)

    def put_back(self, backup: bytes) -> None:
        """And stand still, as an operator has it."""
        put_back(self._url, backup)
        for name in STILL:
            controls.change(name, True, 0)
        alone()


def alone() -> None:
    """Nobody but the caller is connected to the database."""
    database.forget_idle()

    def nobody() -> bool:
        with session():
            return not recovery.other_connections()

    eventually(nobody, 10, "connections that were closed are gone")


@pytest.fixture
def shop(services: TestServices, database: None, redis: Redis) -> Iterator[Shop]:
    empty_topics()
    yield Shop(services, redis)
    empty_topics()
    empty_shop()  # all of it: a table that stayed empty would go on numbering where it was moved to
    controls._WATCH.forget()


def reconcile(gap: int = recovery.GAP) -> recovery.Plan:
    alone()
    plan = recovery.plan(gap)
    recovery.carry_out(plan, 0)
    return plan


def acts() -> int:
    return int(one("SELECT COUNT(*) FROM admin_audit WHERE action = 'reconcile'"))


def test_what_the_topics_know_and_the_database_does_not_is_named(
    shop: Shop, tmp_path: Path
) -> None:
    # Given effects from before a backup, and one of each kind from after it
    kept = shop.order(shop.one)
    shop.publish()
    backup = shop.backup()
    lost_order = shop.order(shop.other, quantity=5)
    shop.do(cancel.command(shop.one, shop.one, kept))
    charged = shop.do(charge.command(shop.other, shop.other, 5_000, "tx-9", None))
    issued = shop.do(issue.command(shop.one, shop.one, shop.coupon))
    shop.publish()
    # When it is put back
    shop.put_back(backup)
    # Then audit says that Kafka knows more
    assert broken(audit(settings())) == {6: {"event-unknown"}, 7: {"ranking-differs"}}
    # And reconcile names each, whole, in the order in which they happened
    alone()
    file = tmp_path / "lost.json"
    done = run("reconcile", "--json", str(file), "--yes")
    assert done.exit_code == 0, done.output
    report = json.loads(file.read_text())
    told = {one["type"]: one for one in report["lost"]}
    assert [one["type"] for one in report["lost"]] == [
        "order.completed", "order.cancelled", "balance.charged", "coupon.issued",
    ]
    assert (told["order.completed"]["orderId"], told["order.completed"]["userId"]) == (
        lost_order, shop.other,
    )
    assert told["order.cancelled"]["orderId"] == kept
    assert told["balance.charged"]["chargedAmount"] == 5_000
    assert told["balance.charged"]["transactionId"] == "tx-9"
    assert charged.items() <= told["balance.charged"].items()
    assert told["coupon.issued"]["userCouponId"] == issued["userCouponId"]
    assert (report["eventsLost"], report["eventsLostNew"], report["eventsUnreadable"]) == (4, 4, 0)
    assert "order.completed: 1 lost" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("Now: ")] == [
        "Now: numbering", "Now: lost events", "Now: exports", "Now: Redis",
    ]
    # And from then on every invariant holds
    found = audit(settings())
    assert broken(found) == {}
    assert {one.status for one in found.findings} == {Verdict.HOLDS}
    assert one("SELECT COUNT(*) FROM lost_events") == 4
    assert acts() == 1


def test_no_number_that_others_know_is_given_again(shop: Shop) -> None:
    # Given numbers that were given after the backup
    backup = shop.backup()
    known = shop.order(shop.one)
    shop.do(issue.command(shop.one, shop.one, shop.coupon))
    new_user = given_users(1_000)[0]
    shop.do(charge.command(new_user, new_user, 5_000, None, None))
    highest = {
        table: one(f"SELECT MAX(id) FROM {table}")
        for table in ("orders", "user_coupons", "users", "jobs", "outbox_events", "order_items")
    }
    with Topics() as topics:
        shop.publish()
        shop.put_back(backup)
        # When reconciled, and the shop goes on
        reconcile(gap=500)
        fresh = shop.order(shop.one)
        shop.do(issue.command(shop.one, shop.one, shop.coupon))
        given_users(1)
        shop.publish()
        completed = [
            record.key for record in topics.read() if record.headers["ce_type"] == "order.completed"
        ]
    # Then all that is new lies above them, by the gap
    for table, before in highest.items():
        assert one(f"SELECT MAX(id) FROM {table}") > before, table
    assert fresh > known + 500
    # And no key of the topic means two orders
    assert sorted(completed) == sorted([str(known), str(fresh)])
    assert broken(audit(settings())) == {}


def test_numbering_waits_for_a_table_and_nothing_after_it_does(shop: Shop) -> None:
    asked = "SELECT @@SESSION.lock_wait_timeout"
    with session():
        patience = one(asked)
        # Given somebody who holds a table for longer than statements wait
        with someone() as other, other.cursor() as cursor:
            cursor.execute("LOCK TABLES products READ")
            late = threading.Timer(patience + 1, cursor.execute, ("UNLOCK TABLES",))
            late.start()
            # When its numbering is moved, Then that waits
            renumber("products", 5_000)
            late.join(10)
        # And the connection is as patient as it was
        assert one(asked) == patience
        # Also after an error
        with pytest.raises(peewee.ProgrammingError):
            renumber("no_such_table", 5)
        assert one(asked) == patience
    assert given_product(stock=1) == 5_000


def test_a_second_run_changes_nothing(shop: Shop) -> None:
    # Given a reconciled shop
    backup = shop.backup()
    shop.order(shop.one)
    shop.publish()
    shop.put_back(backup)
    first = reconcile()
    before = select("SELECT * FROM lost_events")
    # When it is reconciled again
    second = reconcile()
    # Then the same is named, and nothing is new but the first run's line in the admins' book
    assert second.lost == first.lost
    assert (len(first.new), second.new, second.exports) == (1, [], 0)
    assert [move.table for move in second.moves] == ["admin_audit"]
    assert select("SELECT * FROM lost_events") == before
    assert acts() == 2


def test_what_another_backup_brought_back_is_lost_no_longer(shop: Shop) -> None:
    # Given two events that were lost with an old backup, and are recorded as that
    old = shop.backup()
    shop.order(shop.one)
    newer = shop.backup()
    shop.order(shop.other)
    shop.publish()
    shop.put_back(old)
    assert len(reconcile().new) == 2
    # When a newer one is put back, with the records as they have become, and reconciled
    recorded = select("SELECT * FROM lost_events")
    shop.put_back(newer)
    with session():
        for row in recorded:
            execute(f"INSERT INTO lost_events VALUES ({placeholders(len(row))})", row)
    plan = reconcile()
    # Then that is lost which it does not hold, and audit holds
    assert plan.done["eventsFoundAgain"] == 1
    assert select("SELECT event_id FROM lost_events") == [(one.event_id,) for one in plan.lost]
    assert (len(plan.lost), plan.new) == (1, [])
    shop.publish()
    assert broken(audit(settings())) == {}


def test_looking_changes_nothing_and_needs_no_standstill(shop: Shop) -> None:
    backup = shop.backup()
    shop.order(shop.one)
    shop.publish()
    shop.put_back(backup)
    for name in STILL:
        controls.change(name, False, 0)
    # When only looked at, while others are connected
    with someone():
        done = run("reconcile", "--dry-run", "--json", "-")
    # Then it is named, and that is all
    assert done.exit_code == 0, done.output
    report = orjson.loads(done.stdout)
    assert (report["dryRun"], report["eventsLost"]) == (True, 1)
    assert report["numbering"]
    assert one("SELECT COUNT(*) FROM lost_events") == 0
    assert acts() == 0
    assert "event-unknown" in broken(audit(settings()))[6]


def test_an_event_that_is_committed_late_and_told_is_not_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an event whose row has its number, and is not committed when the outbox is read, while
    # a later one is
    shop.order(shop.one)
    shop.order(shop.other)
    shop.publish()
    [row] = select("SELECT * FROM outbox_events ORDER BY id LIMIT 1")
    with session():
        execute("DELETE FROM outbox_events WHERE id = %s", (row[0],))
    with someone() as late, late.cursor() as cursor:
        cursor.execute(f"INSERT INTO outbox_events VALUES ({placeholders(len(row))})", row)
        read_topics = recovery._read_topics

        def committed_meanwhile(*given: Any) -> Any:
            late.commit()
            return read_topics(*given)

        monkeypatch.setattr(recovery, "_read_topics", committed_meanwhile)
        # When looked at while the shop works
        plan = recovery.plan()
    # Then it stands in the topics, and is not taken for lost
    assert (plan.read, plan.lost) == (2, [])


def someone() -> Any:
    """Another connection to the shop's database."""
    name, params = connect_params(settings().database_url)
    return pymysql.connect(database=name, **params)


@pytest.mark.parametrize("missing", STILL)
def test_it_refuses_while_the_shop_does_not_stand_still(shop: Shop, missing: str) -> None:
    # Given all switches but one, and a table to be numbered further on
    shop.put_back(shop.backup())
    controls.change(missing, False, 0)
    alone()
    # When asked to reconcile, Then it says which, and nothing was done
    done = run("reconcile")
    assert done.exit_code == 1
    assert f"./dev controls set {missing} on" in done.output
    assert acts() == 0
    assert recovery.plan().moves != []


def test_it_refuses_while_somebody_uses_the_database(shop: Shop) -> None:
    shop.put_back(shop.backup())
    with someone():
        done = run("reconcile")
    assert done.exit_code == 1
    assert "127.0.0.1:" in done.output
    assert acts() == 0


def test_no_report_is_overwritten(shop: Shop, tmp_path: Path) -> None:
    # Given the report of an earlier run, and something to be done
    shop.order(shop.one)
    shop.put_back(shop.backup())
    file = tmp_path / "lost.json"
    file.write_text("all that was lost")
    before = standing()
    alone()
    # When the next one is to have the same name, Then nothing is done, and it is as it was
    done = run("reconcile", "--json", str(file))
    assert done.exit_code == 1, done.output
    assert done.output.splitlines() == [f"Error: Could not open file '{file}': File exists"]
    assert file.read_text() == "all that was lost"
    assert standing() == before


def refused(*reasons: str) -> None:
    """Reconcile refuses for ``reasons``, nothing is changed, and with --yes it is done."""
    before = standing()
    alone()
    done = run("reconcile")
    assert done.exit_code == 1, done.output
    assert "Not reconciled" in done.output
    for reason in (*reasons, "--yes"):
        assert reason in done.output
    assert standing() == before
    looked = run("reconcile", "--dry-run")
    assert (looked.exit_code, "Refused without --yes" in looked.output) == (0, True)
    alone()
    done = run("reconcile", "--yes")
    assert done.exit_code == 0, done.output
    assert acts() == 1


def standing() -> tuple[Any, ...]:
    """What reconcile changes in the database."""
    with session():
        return numberings(), acts(), one("SELECT COUNT(*) FROM lost_events")


def test_more_lost_than_known_needs_a_yes(shop: Shop) -> None:
    # Given one event that the database knows, and two that it does not
    shop.order(shop.one)
    backup = shop.backup()
    shop.order(shop.one)
    shop.order(shop.other)
    shop.publish()
    shop.put_back(backup)
    # When reconciled, Then it asks whether that is the topics' database
    refused("more events are lost (2) than known (1)")
    # And no second time
    alone()
    assert run("reconcile").exit_code == 0


def test_a_database_without_jobs_needs_a_yes(shop: Shop) -> None:
    shop.put_back(shop.backup())
    refused("no jobs at all")


def test_a_leap_of_numbers_needs_a_yes_and_is_traced_to_its_message(shop: Shop) -> None:
    # Given somebody else's message, which says that there is an order of an absurd number
    shop.order(shop.one)
    shop.publish()
    place = told(
        {
            "ce_id": str(uuid4()), "ce_type": "order.completed", "ce_source": "/shop/orders",
            "ce_time": "2026-11-28T11:00:00.000Z",
        },
        b"7", orjson.dumps({"orderId": 2**53 - 1}),
    )
    shop.put_back(shop.backup())
    # When reconciled, Then it says which table would leap, and who asks for it
    refused("orders would be numbered on from 9,007,199,255,740,992", place)


def test_without_kafka_nothing_is_done(shop: Shop) -> None:
    shop.put_back(shop.backup())
    done = run("reconcile", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert done.exit_code == 1
    assert "Kafka cannot be read" in done.output
    assert acts() == 0


def test_without_redis_no_number_moves(shop: Shop) -> None:
    shop.put_back(shop.backup())
    plan = recovery.plan()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "answers", lambda: False)
        with pytest.raises(recovery.RedisError):
            recovery.carry_out(plan, 0)
    assert recovery.plan().moves == plan.moves != []
    assert acts() == 0


def test_exports_that_had_arrived_after_the_backup_are_made_again(shop: Shop) -> None:
    # Given an order whose event was published before the backup, and arrived from Kafka after it
    order = shop.order(shop.one)
    shop.publish()
    backup = shop.backup()
    shop.export()
    assert one("SELECT COUNT(*) FROM order_exports") == 1
    lost = shop.order(shop.other)
    shop.publish()
    shop.export()
    shop.put_back(backup)
    # When reconciled, Then it will be sent, under its own event's id, and the lost one will not
    assert reconcile().exports == 1
    assert select("SELECT order_id, status FROM order_exports") == [(order, "pending")]
    [(event_id,)] = select("SELECT event_id FROM outbox_events WHERE aggregateid = %s", order)
    assert select("SELECT event_id FROM order_exports") == [(event_id,)]
    assert lost != order


def test_consumers_pass_by_what_was_lost(shop: Shop) -> None:
    # Given an order that was lost and one that was not, neither of them consumed yet
    kept = shop.order(shop.one)
    shop.publish()
    backup = shop.backup()
    lost = shop.order(shop.other)
    shop.publish()
    shop.put_back(backup)
    reconcile()
    # When the consumers read on
    stop = threading.Event()
    streams = [order_exports.stream(lambda: None), ranking_consumer.stream()]
    threads = [threading.Thread(target=stream.run, args=(stop,)) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        for group in (order_exports.GROUP, ranking_consumer.GROUP):
            eventually(lambda group=group: all_is_read(group), 60, f"{group} has read all")
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    # Then the platform is told of the one alone, and the ranking counts the one alone
    assert select("SELECT order_id FROM order_exports") == [(kept,)]
    assert ranking.drift() == []
    assert lost != kept


def all_is_read(group: str) -> bool:
    """Whether a group has committed all that the orders' topic holds."""
    made = settings()
    client = Consumer({
        "bootstrap.servers": made.kafka_bootstrap_servers,
        "group.id": f"{made.kafka_group_prefix}-{group}",
    })
    try:
        places = [TopicPartition(TOPICS["order"], number) for number in range(PARTITIONS)]
        ends = {place.partition: client.get_watermark_offsets(place, 10) for place in places}
        return all(
            first == end or place.offset == end
            for place in client.committed(places, 10)
            for first, end in [ends[place.partition]]
        )
    finally:
        client.close()


def test_what_is_no_event_of_ours_is_not_recorded(shop: Shop) -> None:
    # Given messages of others, and such as bear our headers and could not be kept or shown
    good = {
        "ce_id": str(uuid4()), "ce_type": "order.completed", "ce_source": "/shop/orders",
        "ce_time": "2026-11-28T11:00:00.000Z",
    }
    odd: list[tuple[dict[str, str], bytes, bytes]] = [
        ({}, b"1", b"{}"),
        ({**good, "ce_id": "7"}, b"1", b"{}"),
        ({**good, "ce_source": "/elsewhere"}, b"1", b"{}"),
        ({**good, "ce_type": "o" * 65}, b"1", b"{}"),
        ({**good, "ce_time": "9999-12-31T23:59:59-12:00"}, b"1", b"{}"),
        ({**good, "ce_time": "9999-12-31T23:59:59.999999Z"}, b"1", b"{}"),
        *((good, key, b"{}") for key in (b"0", b"-1", b"9223372036854775808")),
        *((good, b"1", value) for value in (
            b"\xff", b"null", b"[]", b"5", b'{"orderId": 9223372036854775807}', b'{"orderId": -1}',
        )),
    ]
    for headers, key, value in odd:
        told(headers, key, value)
    # When reconciled, Then they are counted, and no more
    shop.put_back(shop.backup())
    plan = reconcile()
    assert (plan.read, plan.unreadable, plan.lost) == (len(odd), len(odd), [])
    assert one("SELECT COUNT(*) FROM lost_events") == 0
    # And said to be there
    done = run("reconcile", "--dry-run")
    assert done.exit_code == 0, done.output
    assert f"{len(odd)} messages are no events of ours" in " ".join(done.stdout.split())


def told(headers: dict[str, str], key: bytes, value: bytes) -> str:
    """Somebody writes a message to the orders' topic; where it stands."""
    delivered: list[Message] = []
    producer = Producer({"bootstrap.servers": settings().kafka_bootstrap_servers})
    producer.produce(
        TOPICS["order"], key=key, value=value, headers=list(headers.items()),
        on_delivery=lambda _, message: delivered.append(message),
    )
    assert producer.flush(10) == 0
    [message] = delivered
    return f"{message.topic()}, partition {message.partition()}, offset {message.offset()}"


def test_redis_forgets_what_it_derived_and_nothing_else(shop: Shop, redis: Redis) -> None:
    # Given a ranking that counts a lost order, a wake, and what is not ours
    backup = shop.backup()
    shop.order(shop.one)
    shop.publish()
    redis.set("somebody:else", b"1")
    redis.set("wake:users", b"1")
    assert [best["productId"] for best in ranking.popular(3, 5)] == [shop.product]
    shop.put_back(backup)
    # When reconciled
    reconcile()
    # Then the ranking is what the orders say, and the rest is there
    assert ranking.popular(3, 5) == []
    assert ranking.drift() == []
    assert redis.get("wake:users") is None
    assert redis.get("somebody:else") == b"1"
    # And the lost order's number, had it been given again, would not be taken for counted
    assert not list(redis.scan_iter(match="{ranking}:*:seen:*"))


def test_a_purged_event_is_not_lost(shop: Shop) -> None:
    # Given an event that is older than what the outbox keeps
    shop.order(shop.one)
    shop.publish()
    with session():
        execute("DELETE FROM outbox_events")
    shop.put_back(shop.backup())
    # When the outbox keeps nothing, Then it may well have been purged; else it is lost
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            recovery, "settings",
            lambda: settings().model_copy(update={"retention_days": 0}),
        )
        assert recovery.plan().lost == []
    assert len(recovery.plan().lost) == 1
