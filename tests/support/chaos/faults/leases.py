"""SIGSTOP of a worker that holds a claim, for longer than its lease: its late write is fenced."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pymysql

from infra.connections import connect_params
from tests.support.chaos.apart import LEASE_SECONDS
from tests.support.chaos.faults.base import Fault, Measured, Scene, recovered
from tests.support.chaos.readings import asked, metric, under_way
from tests.support.chaos.stage import Stage
from tests.support.waiting import eventually

FENCED = "fenced_writes_total"
TAKE_OVER_SECONDS = 8.0
LOCK_WAIT_SECONDS = 2.5
"""After this a statement that waits for a row has given up, by the server's doing."""


def holder_stopped(scene: Scene) -> Measured:
    """A worker is stopped while its effects wait for a row; another takes its jobs over; then it
    goes on.

    The row is let go only after the stopped one's statement has given up on it, so that the other
    can do the job.
    """
    stage = scene.stage
    scene.flowing()
    fenced = metric(stage, FENCED)
    other, holder = _workers(stage)
    # The lowest, so that the stopped one has locked no other row of its batch: those it would keep
    # until the server drops its connection.
    user = min(user for users in scene.traffic.users for user in users)
    mark = under_way()
    stage.signal(other, signal.SIGSTOP)
    try:
        with _row_locked(stage, user):
            job = stage.api.charge(user, 1).body["jobId"]
            _await_claim(user)
            stage.signal(holder, signal.SIGSTOP)
            stage.signal(other, signal.SIGCONT)
            scene.rest(max(LOCK_WAIT_SECONDS, LEASE_SECONDS * scene.chance.uniform(1.5, 3)))
        # Where the stopped one holds rows after all, the other can do nothing before it goes on.
        with suppress(AssertionError):
            eventually(lambda: stage.api.job(job, user)["status"] == "succeeded", TAKE_OVER_SECONDS)
    finally:
        stage.signal(other, signal.SIGCONT)
        stage.signal(holder, signal.SIGCONT)
    measured = recovered(scene, mark)
    with suppress(AssertionError):  # told by the figure
        eventually(lambda: metric(stage, FENCED) > fenced, 5)
    measured.figures["fenced"] = metric(stage, FENCED) - fenced
    return measured


def _workers(stage: Stage) -> tuple[int, int]:
    """The worker to stand by, and the one to be stopped."""

    def found() -> list[int]:
        pids = [*stage.children("users2"), *stage.children("users")]
        return pids if len(pids) == 2 else []

    standing_by, holder = eventually(found, 30, "both workers of the lane run")
    return standing_by, holder


def _await_claim(user: int) -> None:
    running = (
        "SELECT COUNT(*) FROM jobs WHERE user_id = %s AND status = 'running' "
        "AND lease_until > NOW(3)"
    )
    eventually(lambda: asked(running, (user,))[0][0] > 0, 15, "the claim")


@contextmanager
def _row_locked(stage: Stage, user: int) -> Iterator[None]:
    """Hold a user's row, so that whoever wants to change it stands still."""
    name, params = connect_params(stage.services.urls.database)
    with pymysql.connect(database=name, **params) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM users WHERE id = %s FOR UPDATE", (user,))
        yield
        connection.rollback()


LEASES = [Fault("SIGSTOP of a lock holder, 1.5-3 leases", 50, holder_stopped, 9, fences=True)]
