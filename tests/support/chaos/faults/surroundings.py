"""Clocks that jump, and a full disk for the logs."""

import signal
from functools import partial

from tests.support.chaos.apart import NOT_TURNED, turn_clock, turn_log
from tests.support.chaos.faults.base import Fault, Measured, Scene, recovered
from tests.support.chaos.faults.processes import EXIT_SECONDS
from tests.support.chaos.readings import asked, under_way
from tests.support.waiting import eventually

JUMPS = (+1800, -1800, +86_400, -86_400)
"""Seconds. The web's own jumps are the first only: it has to judge the age of tokens."""
PROGRAMS = ("web", "users", "users2", "coupons", "scheduler", "consumers")
PUBLISHED = "SELECT COUNT(*) FROM outbox_events WHERE status = 'published'"


def clock_jumps(program: str, scene: Scene) -> Measured:
    """One program's wall clock is wrong for a while; the database's is not."""
    scene.flowing()
    mark = under_way()
    jump = JUMPS[0] if program == "web" else scene.chance.choice(JUMPS)
    directory = scene.stage.directory
    turn_clock(directory, program, jump)
    try:
        scene.rest(scene.lasting(20, 2))
        scene.flowing()
    finally:
        turn_clock(directory, program, 0)
    measured = recovered(scene, mark)
    measured.figures["jump s"] = jump
    return measured


def logs_full(scene: Scene) -> Measured:
    """Every program is started with a log that can take nothing, and has to work all the same."""
    scene.flowing()
    _log_to(scene, "/dev/full")
    try:
        mark = under_way()
        [(before,)] = asked(PUBLISHED)
        scene.rest(scene.lasting(20, 3))
        eventually(lambda: asked(PUBLISHED)[0][0] > before, 30, "events go on being published")
        measured = recovered(scene, mark)
    finally:
        _log_to(scene, NOT_TURNED)
    return measured


def _log_to(scene: Scene, path: str) -> None:
    """Start all programs anew with their logs there."""
    stage = scene.stage
    states = stage.fleet.states()
    for program in PROGRAMS:
        turn_log(stage.directory, program, path)
        pid = states[program].pid
        assert pid is not None, program
        stage.signal(pid, signal.SIGTERM)

    def replaced() -> bool:
        now = stage.fleet.states()
        return all(now[one].running and now[one].pid != states[one].pid for one in PROGRAMS)

    eventually(replaced, EXIT_SECONDS + 15, "all programs are started anew")
    eventually(stage.healthy, 60, "the fleet is whole")


CLOCKS = [
    Fault(f"clock jumps: {program}", 1, partial(clock_jumps, program), 25)
    for program in ("web", "users", "coupons", "scheduler", "consumers")
]
DISKS = [Fault("full disk for every log", 3, logs_full, 45)]
