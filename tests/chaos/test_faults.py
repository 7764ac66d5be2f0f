"""Each fault once, under load: nothing lost, nothing twice."""

import signal
import time

import pytest

from tests.support.chaos.judge import judge
from tests.support.chaos.stage import KINDS, Stage
from tests.support.chaos.traffic import Traffic
from tests.support.outbox import Topics
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)


def test_any_process_killed_under_load(stage: Stage, topics: Topics) -> None:
    # Given load on a whole fleet
    with Traffic(stage.api, clients=6) as traffic:
        for kind in KINDS:
            eventually(lambda: len(traffic.log.jobs()) > 10, what="load")
            # When a process of each kind is killed, Then the runner brings it back
            [victim, *_] = stage.pids(kind)
            stage.signal(victim, signal.SIGKILL)
            eventually(lambda: victim not in stage.pids(kind), what=f"the kill of {kind}")
            eventually(stage.healthy, 30, f"{kind} is there again")
            time.sleep(0.5)
    # Then every promise is kept
    verdict = judge(stage, traffic.log, topics)
    assert verdict.wrong == []
    assert verdict.promised > 100
