"""kill −9 of each kind of process, and the rolling restart of each by SIGTERM."""

import signal
import time
from collections.abc import Callable
from functools import partial

from fleet.identity import ProcessIdentity
from tests.support.chaos.faults.base import TAKEN_UP_MAX, Fault, Measured, Scene, recovered
from tests.support.chaos.readings import asked, under_way
from tests.support.chaos.stage import KINDS, Stage
from tests.support.waiting import eventually

EXIT_SECONDS = 30.0


def killed(kind: str, scene: Scene) -> Measured:
    """One process of ``kind`` has no time to say anything."""
    scene.flowing()
    victim = scene.chance.choice(scene.stage.pids(kind))
    lane = KINDS[kind][0]
    if lane in ("users", "coupons"):
        busy = "SELECT COUNT(*) FROM jobs WHERE queue_lane = %s AND status = 'running'"
        eventually(lambda: asked(busy, (lane,))[0][0], 30, "the worker is in the middle of it")
    scene.stage.signal(victim, signal.SIGKILL)
    mark = under_way()
    eventually(lambda: victim not in scene.stage.pids(kind), 15, f"the kill of {kind}")
    return recovered(scene, mark, TAKEN_UP_MAX)


def restarted(kinds: list[str], scene: Scene) -> Measured:
    """Each process of ``kinds`` in turn is asked to end, and has been replaced before the next."""
    scene.flowing()
    measured = Measured()
    mark = under_way()
    longest = 0.0
    for kind in kinds:
        for pid in scene.stage.pids(kind):
            longest = max(longest, _replaced(scene.stage, kind, pid))
    measured = recovered(scene, mark, TAKEN_UP_MAX)
    measured.figures["exit s"] = longest
    if longest > EXIT_SECONDS:
        measured.wrong.append(f"took {longest:.1f} s to exit after SIGTERM")
    return measured


def _replaced(stage: Stage, kind: str, pid: int) -> float:
    """Ask a process to end and wait for its successor to be at work; the seconds it took to end."""
    process = ProcessIdentity.of(pid)
    assert process is not None, f"no {kind} with pid {pid}"
    before = set(stage.pids(kind))
    began = time.monotonic()
    process.send(signal.SIGTERM)
    eventually(lambda: not process.alive(), EXIT_SECONDS + 10, f"{kind} exits")
    took = time.monotonic() - began
    wanted = len(before)
    eventually(
        lambda: len(_at_work(stage, kind) - {pid}) >= wanted and stage.healthy(), 60,
        f"{kind} is replaced",
    )
    return took


def _at_work(stage: Stage, kind: str) -> set[int]:
    """Web workers are at work once they have loaded the application, which opens their metrics."""
    pids = set(stage.pids(kind))
    if kind != "gunicorn worker":
        return pids
    metrics = stage.layout.run / "prometheus"
    return {pid for pid in pids if (metrics / f"counter_{pid}.db").exists()}


_ROLLING: dict[str, list[str]] = {
    "web, worker by worker": ["gunicorn worker"],
    "web, its master": ["gunicorn master"],
    "workers": ["users master", "coupons master"],
    "scheduler": ["scheduler"],
    "consumers": ["consumers"],
}


def _named(work: Callable[..., Measured], what: object) -> Callable[[Scene], Measured]:
    return partial(work, what)


KILLS = [Fault(f"kill -9: {kind}", 20, _named(killed, kind), 8) for kind in KINDS]
ROLLING = [
    Fault(f"SIGTERM: {name}", 20, _named(restarted, kinds), 8, smooth=True)
    for name, kinds in _ROLLING.items()
]
