"""Redis and the database: emptied, killed, away, slow, half-open, and a COMMIT unanswered."""

from collections.abc import Callable
from functools import partial

from infra.database import database
from tests.support.chaos.faults.base import Fault, Measured, Scene, recovered
from tests.support.chaos.proxy import Dial
from tests.support.chaos.readings import under_way
from tests.support.chaos.stage import Stage
from tests.support.waiting import eventually

COMMITS = {"intake": "INSERT INTO jobs", "drain": "UPDATE jobs"}
"""The COMMITs to be cut, by a statement that only their transactions hold."""


def redis_flushed(scene: Scene) -> Measured:
    scene.flowing()
    mark = under_way()
    scene.stage.flush_redis()
    return recovered(scene, mark)


def redis_killed(scene: Scene) -> Measured:
    scene.flowing()
    scene.stage.services.redis.kill()
    scene.rest(scene.chance.uniform(0.5, 2))
    scene.stage.services.redis.start()
    return recovered(scene, under_way())


def database_killed(scene: Scene) -> Measured:
    scene.flowing()
    scene.stage.services.database.kill()
    scene.rest(scene.chance.uniform(0, 1))
    scene.stage.services.database.start()
    database.forget_idle()
    return recovered(scene, under_way())


def commit_cut(of: str, scene: Scene) -> Measured:
    """The next COMMIT reaches the database, and its answer nobody."""
    scene.flowing()
    mark = under_way()
    dial = scene.stage.database
    cut = dial.set()["commits_cut"]
    dial.set(cut_commits=1, cut_after=COMMITS[of])
    try:
        eventually(lambda: dial.set()["commits_cut"] > cut, 30, f"a COMMIT of {of} is cut")
    finally:
        dial.set(cut_commits=0, cut_after="")
    return recovered(scene, mark)


def misbehaving(
    dial_of: Callable[[Stage], Dial], seconds: tuple[float, float], behaviour: dict[str, object],
    scene: Scene,
) -> Measured:
    """The proxy before a service behaves so for a while, then passes everything again."""
    scene.flowing()
    dial = dial_of(scene.stage)
    dial.set(**behaviour)
    try:
        during = scene.rest(scene.lasting(*seconds))
    finally:
        dial.set(mode="pass", latency=0.0)
    measured = recovered(scene, under_way())
    measured.figures["accepted meanwhile"] = sum(entry.status == 202 for entry in during)
    return measured


def _redis(stage: Stage) -> Dial:
    return stage.redis


def _database(stage: Stage) -> Dial:
    return stage.database


def _network(
    name: str, times: int, dial: Callable[[Stage], Dial], longest: float, shortest: float,
    **behaviour: object,
) -> Fault:
    inject = partial(misbehaving, dial, (longest, shortest), behaviour)
    return Fault(name, times, inject, longest + 15)


REDIS = [
    Fault("Redis FLUSHALL", 10, redis_flushed, 4),
    Fault("Redis killed and restarted", 5, redis_killed, 8),
    _network("Redis away 60 s", 2, _redis, 60, 8, mode="refuse"),
    _network("Redis half-open", 2, _redis, 60, 8, mode="silent"),
    _network("Redis answers 50 ms late", 1, _redis, 20, 4, latency=0.05),
]
DATABASE = [
    Fault("database killed and restarted", 5, database_killed, 15),
    Fault("COMMIT cut: intake", 100, partial(commit_cut, "intake"), 2),
    Fault("COMMIT cut: drain", 100, partial(commit_cut, "drain"), 2),
    _network("database half-open", 1, _database, 20, 5, mode="silent"),
    _network("database answers 50 ms late", 1, _database, 20, 4, latency=0.05),
]
