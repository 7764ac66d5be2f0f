"""The scheduler as a process: it ticks, hears nudges, outlives its services, ends when told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from redis import Redis

from domain.outbox.nudge import Nudger
from fleet.layout import PROJECT
from infra.database import database, execute, rows, session
from tests.support.outbox import event, given_events, outbox
from tests.support.services import TestServices
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database", "redis")


@contextmanager
def scheduler(services: TestServices, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A scheduler process that has begun to work."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "schedulers.main"],
            cwd=PROJECT,
            env={**os.environ, **services.urls.environment()},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: _leads(process), 30, "the scheduler leads")
        yield process
    finally:
        process.kill()
        process.wait(10)


def _leads(process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    with session():
        holders = rows("SELECT DISTINCT holder FROM shard_leases WHERE lease_until > NOW(3)")
    return [holder.split(":")[1] for (holder,) in holders] == [str(process.pid)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "scheduler.log"


def logged(log: Path) -> list[dict[str, object]]:
    lines = log.read_bytes().splitlines()
    return [orjson.loads(line) for line in lines if line.startswith(b"{")]


def all_published() -> bool:
    return {status for (status,) in outbox("status")} == {"published"}


def test_it_publishes_every_second_and_at_once_when_nudged(
    services: TestServices, redis: Redis, log: Path
) -> None:
    with scheduler(services, log):
        # Given one that has published its first event: Kafka and all else is at hand
        given_events(event(0))
        eventually(all_published, 30)
        # When events come without a nudge, Then the next tick takes them
        given_events(event(1))
        eventually(all_published, 5)
        # And with a nudge each is taken much sooner than a tick would
        waits = []
        for at in range(2, 12):
            given_events(event(at))
            began = time.monotonic()
            Nudger(redis).nudge()
            eventually(all_published, 5)
            waits.append(time.monotonic() - began)
        assert sorted(waits)[len(waits) // 2] < 0.4


def test_sigterm_ends_it_in_time_and_frees_its_shards(
    services: TestServices, log: Path
) -> None:
    with scheduler(services, log) as process:
        # When it is told to end with work in hand
        given_events(*[event(at % 50, at) for at in range(3000)])
        process.send_signal(signal.SIGTERM)
        # Then it ends with 0 within 30 seconds
        assert process.wait(30) == 0
    with session():
        assert rows("SELECT COUNT(*) FROM shard_leases WHERE lease_until > NOW(3)") == [(0,)]
    assert logged(log)[-1]["event"] == "scheduler stopped"
    assert logged(log)[-1]["in_time"] is True


def test_sigterm_ends_it_in_time_though_kafka_hangs(services: TestServices, log: Path) -> None:
    with scheduler(services, log) as process:
        given_events(event(0))
        eventually(all_published, 30)
        services.kafka.pause()
        try:
            given_events(*[event(at) for at in range(50)])
            time.sleep(2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            services.kafka.resume()


def test_it_outlives_a_restart_of_the_database(services: TestServices, log: Path) -> None:
    with scheduler(services, log) as process:
        # When the database goes away and comes back
        services.database.stop()
        time.sleep(3)
        services.database.start()
        database.forget_idle()
        # Then it says so, and goes on by itself
        given_events(event(1))
        eventually(all_published, 30)
        assert process.poll() is None
        events = [line["event"] for line in logged(log)]
        assert "scheduled job failed" in events
        eventually(lambda: "scheduled job works again" in log.read_text(), 20)


def test_redis_away_costs_it_only_the_nudges(services: TestServices, log: Path) -> None:
    with scheduler(services, log) as process:
        services.redis.kill()
        try:
            given_events(event(1))
            eventually(all_published, 30)
            assert process.poll() is None
        finally:
            services.redis.start()


def test_a_second_scheduler_takes_over_from_a_killed_one(
    services: TestServices, log: Path
) -> None:
    with scheduler(services, log) as first:
        given_events(event(1))
        eventually(all_published, 30)
        first.kill()
        first.wait(10)
        given_events(event(2))
        began = time.monotonic()
        with scheduler(services, log.with_name("second.log")):
            # Taken up within 15 seconds of the death, start of the process included
            eventually(all_published, 20)
            assert time.monotonic() - began < 15 + 10


def test_its_sweeper_wakes_a_lane_that_nobody_was_told_about(
    services: TestServices, redis: Redis, log: Path
) -> None:
    with scheduler(services, log):
        with session():
            execute(
                "INSERT INTO jobs (uuid, kind, user_id, caller_id, concurrency_key, queue_lane, "
                "queue_key, payload, accepted_at) VALUES (RANDOM_BYTES(16), 'balance.charge', 1, "
                "1, 'user:1', 'users', 'user:1', '{}', NOW(3))"
            )
        # Then within seconds a wake for its worker is in the broker's queue
        broker = Redis.from_url(services.urls.redis.removesuffix("0") + "1")
        eventually(lambda: broker.llen("dramatiq:users"), 15)
