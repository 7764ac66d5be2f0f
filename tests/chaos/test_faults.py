"""Every fault of the fleet as everybody runs it, once, under load: nothing lost, nothing twice.

The long form plays them as often as the table says: ``./dev chaos``.
"""

import random
import time
from collections.abc import Iterator

import pytest

from tests.support.chaos.faults.base import Scene
from tests.support.chaos.faults.catalogue import WHOLE
from tests.support.chaos.faults.kafka import drained
from tests.support.chaos.judge import judge, judge_promises
from tests.support.chaos.play import CLIENTS, PAUSE, on_stage, play_each, whole
from tests.support.chaos.stage import Stage
from tests.support.chaos.traffic import Traffic
from tests.support.outbox import Topics
from tests.support.services import TestServices

pytestmark = pytest.mark.timeout(420)

KAFKA_AWAY_SECONDS = 120.0
Running = tuple[Stage, Topics]


@pytest.fixture(scope="module")
def running(
    services: TestServices, _schema: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with on_stage(services, tmp_path_factory.mktemp("whole"), whole) as both:
        yield both


@pytest.fixture
def chance() -> random.Random:
    return random.Random(5)  # which process is struck


def test_processes_redis_and_the_database_fail_while_kafka_is_away(
    running: Running, chance: random.Random
) -> None:
    stage, topics = running
    with Traffic(stage.api, clients=CLIENTS, pause=PAUSE) as traffic:
        scene = Scene(stage, traffic, chance)
        scene.flowing()
        # Given a Kafka that has stopped answering, for two minutes in all
        stage.services.kafka.pause()
        back_at = time.monotonic() + KAFKA_AWAY_SECONDS
        try:
            for group in ("kills", "redis", "database", "rolling"):
                # When everything else fails too, Then each recovers, and every promise is kept
                play_each(WHOLE[group], scene)
                assert judge_promises(traffic.log).wrong == [], group
            scene.rest(max(0.0, back_at - time.monotonic()))
        finally:
            stage.services.kafka.resume()
        # Then, once it is back, what has gathered is sent faster than more comes
        assert drained(scene).wrong == []
    # And all has arrived, in order
    verdict = judge(stage, traffic.log, topics)
    assert verdict.wrong == []
    assert verdict.promised > 100


def test_kafka_slow_and_restarted(running: Running, chance: random.Random) -> None:
    _judged(running, chance, "kafka")


def test_the_data_platform_fails(running: Running, chance: random.Random) -> None:
    _judged(running, chance, "platform")


def _judged(running: Running, chance: random.Random, group: str) -> None:
    """Every fault of the group, then the judge."""
    stage, topics = running
    with Traffic(stage.api, clients=CLIENTS, pause=PAUSE) as traffic:
        play_each(
            [fault for fault in WHOLE[group] if "away" not in fault.name],
            Scene(stage, traffic, chance),
        )
    verdict = judge(stage, traffic.log, topics)
    assert verdict.wrong == []
    assert verdict.promised >= 10
