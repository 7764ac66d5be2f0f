"""Backlogs: how fast workers and relay are when nobody asks for anything else."""

import time
from typing import Any

from bench.bench import Bench
from bench.limits import queue, sql
from bench.record import Recorder
from bench.scenarios.registry import scenario
from fleet.console import StartError

BACKLOG = 20_000
_MOST_SECONDS = 300.0


def _drain(
    bench: Bench, record: Recorder, act: str, first_user: int, users: int, **plan: Any
) -> None:
    """Accept a backlog while nobody works; then let the workers go, and take their own times."""
    after = record.last_job()
    bench.stage.set_working(False)
    try:
        bench.loads.run(act, first_user=first_user, users=users, total=users, clients=100,
                        seconds=_MOST_SECONDS, **plan)
    finally:
        with record.observed("drain"):
            bench.stage.set_working(True)
            _wait(lambda: not _count(bench, "jobs", "queue_lane IS NOT NULL"), "jobs")
    [(count, seconds)] = bench.stage.rows(
        "SELECT COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(started_at), MAX(finished_at)) / 1e6 "
        "FROM jobs WHERE id > %s", (after,)
    )
    record.figure("drain.jobs", int(count))
    record.figure("drain.ended_per_second", int(count) / float(seconds or 1))


def _count(bench: Bench, table: str, where: str) -> int:
    sql_text = f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {where} LIMIT 1) some"
    return int(bench.stage.rows(sql_text)[0][0])


def _wait(done: Any, what: str) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise StartError(f"{what} are not through after {_MOST_SECONDS:.0f} s")
        time.sleep(0.1)


@scenario("drain-coupons", "a backlog of 20,000 coupon requests is worked, web idle", "sql coupons")
def drain_coupons(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(BACKLOG)
    _drain(bench, record, "coupon", bench.users(users), users,
           arguments={"coupon_id": bench.coupon(users)})


@scenario("drain-charges", "a backlog of 20,000 charges is worked, web idle", "sql charges")
def drain_charges(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(BACKLOG)
    _drain(bench, record, "charge", bench.users(users), users)


@scenario("drain-orders", "a backlog of 20,000 orders is worked, web idle", "sql orders")
def drain_orders(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(BACKLOG)
    _drain(bench, record, "order", bench.carts(users)["users"]["first"], users)


@scenario("relay", "a backlog of 100,000 events reaches Kafka", "relay")
def relay(bench: Bench, record: Recorder) -> None:
    """The events are those of charges, done by the SQL of L-sql while no scheduler runs."""
    events = bench.options.sized(100_000)
    users = min(events, bench.options.sized(20_000))
    first = bench.users(users)
    fleet = bench.stage.checkout.fleet
    bench.stage.set_working(False)
    fleet.stop_program("scheduler")
    try:
        connection = bench.stage.connect()
        for start in range(0, events, users):
            count = min(users, events - start)
            jobs = queue.lay_out(connection, "balance.charge", range(first, first + count))
            sql.run(bench.stage, "charges", jobs, 128, 1, None)
        connection.close()
    finally:
        with record.observed("relay"):
            fleet.start_program("scheduler")
            _wait(lambda: not _count(bench, "outbox_events", "pending_shard >= 0"), "events")
        bench.stage.set_working(True)
    _take_relayed(bench, record, events)


def _take_relayed(bench: Bench, record: Recorder, events: int) -> None:
    """Between the first mark and the last; what the first one marked was done before."""
    marks = [
        at for (at,) in bench.stage.rows(
            "SELECT UNIX_TIMESTAMP(published_at) FROM outbox_events ORDER BY id DESC LIMIT %s",
            (events,),
        )
    ]
    first, last = min(marks), max(marks)
    between = sum(1 for at in marks if at > first)
    record.figure("relay.events", len(marks))
    record.figure("relay.per_second", between / float(last - first) if last > first else 0.0)


@scenario("export", "orders reach a data platform that takes 2 s for a call")
def export(bench: Bench, record: Recorder) -> None:
    """More orders than it takes; rate over the middle of the time, when the pipes are full."""
    users = bench.options.sized(10_000, 200)
    made = bench.carts(users)
    with record.observed("export"):
        loaded = bench.loads.run(
            "order", first_user=made["users"]["first"], users=users, total=users, clients=50,
            seconds=_MOST_SECONDS, follow=True, arguments={"wait": 20},
        )
        before, began = _synced(bench), time.monotonic()
        time.sleep(max(10.0, bench.options.seconds / 2))
        figure = (_synced(bench) - before) / (time.monotonic() - began)
    record.take("orders", loaded)
    record.figure("export.per_second", figure)
    stats = bench.stage.get_json(f"{bench.stage.platform_url}/stats")
    record.figure("export.overlapping", stats["overlapping"])
    record.figure("export.most_open", stats["mostOpen"])


def _synced(bench: Bench) -> int:
    return int(
        bench.stage.rows("SELECT COUNT(*) FROM order_exports WHERE status = 'synced'")[0][0]
    )
