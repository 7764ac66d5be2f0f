"""Faults that need a fleet of their own kind: leases, poison, clocks and disks."""

import random
from pathlib import Path

import pytest

from tests.support.chaos.apart import stage_apart
from tests.support.chaos.faults.base import Fault, Scene
from tests.support.chaos.faults.catalogue import APART
from tests.support.chaos.faults.poison import GARBAGE_KEY
from tests.support.chaos.judge import judge
from tests.support.chaos.play import CLIENTS, PAUSE, on_stage, play_each
from tests.support.chaos.stage import Stage
from tests.support.chaos.traffic import Traffic
from tests.support.outbox import Topics
from tests.support.services import TestServices

pytestmark = pytest.mark.timeout(420)


@pytest.mark.usefixtures("_schema")
def test_leases_clocks_logs_and_poison(services: TestServices, tmp_path: Path) -> None:
    # Given a fleet whose leases, clocks and logs can be meddled with
    with on_stage(services, tmp_path, stage_apart) as (stage, topics):
        # When the faults of each group strike, Then each recovers, and every promise is kept
        for group in ("leases", "clocks", "disks"):
            _judged(group, APART[group], stage, topics)
        _judged("poison", [one for one in APART["poison"] if not one.last], stage, topics)
        # The last, since what it puts into the topic stays there
        _judged("message", [one for one in APART["poison"] if one.last], stage, topics)


def _judged(group: str, faults: list[Fault], stage: Stage, topics: Topics) -> None:
    with Traffic(stage.api, clients=CLIENTS, pause=PAUSE) as traffic:
        play_each(faults, Scene(stage, traffic, random.Random(5)))
    garbage = GARBAGE_KEY if any(fault.last for fault in faults) else ""
    verdict = judge(stage, traffic.log, topics, garbage_under=garbage)
    assert verdict.wrong == [], group
    assert verdict.promised >= 10
