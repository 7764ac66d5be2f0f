"""What strikes a fleet in the middle of a history."""

import random
import signal
import time
from collections.abc import Callable

from domain.jobs.kinds import Lane
from tests.support.chaos.stage import Stage
from tests.support.market import select
from tests.support.waiting import eventually

Strike = Callable[[Stage, random.Random], None]


def kill_worker(stage: Stage, chance: random.Random) -> None:
    """One worker process of each lane ends at once."""
    for lane in Lane:
        for pid in stage.children(chance.choice([str(lane), f"{lane}2"])):
            stage.signal(pid, signal.SIGKILL)


def empty_redis(stage: Stage, chance: random.Random) -> None:
    """Locks, wakes and announcements are gone, three times."""
    for _ in range(3):
        stage.flush_redis()
        time.sleep(chance.uniform(0.1, 0.4))


def kill_front(stage: Stage, chance: random.Random) -> None:
    """Both web processes end at once: whoever waits has no answer."""
    for pid in stage.children("web"):
        stage.signal(pid, signal.SIGKILL)


def stop_user_holder(stage: Stage, chance: random.Random) -> None:
    """A worker stands still that holds users' jobs, until after their lease has ended."""
    _stop_holder(stage, Lane.USERS, chance)


def stop_coupon_holder(stage: Stage, chance: random.Random) -> None:
    """A worker stands still that holds coupons' jobs, until after their lease has ended."""
    _stop_holder(stage, Lane.COUPONS, chance)


def stop_holder_without_locks(stage: Stage, chance: random.Random) -> None:
    """As before, and its Redis locks are gone at once: nothing but the lease keeps others away."""
    _stop_holder(stage, chance.choice(list(Lane)), chance, flush=True)


def _stop_holder(
    stage: Stage, lane: Lane, chance: random.Random, *, flush: bool = False
) -> None:
    lease = float(stage.settings["LEASE_SECONDS"])

    def stopped() -> int:
        """A worker that stands still and holds jobs; 0 if none did just now.

        Both are stopped while somebody holds jobs, and one goes on: if a lease is left when it must
        have ended what it had, that is the other one's.
        """
        pids = [pid for name in (str(lane), f"{lane}2") for pid in stage.children(name)]
        if len(pids) < 2 or not _leases(lane):
            return 0
        holder, other = chance.sample(pids, 2)
        stage.signal(holder, signal.SIGSTOP)
        stage.signal(other, signal.SIGSTOP)
        held, end = _leases(lane), time.monotonic() + lease / 3
        stage.signal(other, signal.SIGCONT)
        while held and time.monotonic() < end:
            time.sleep(0.02)
            held &= _leases(lane)
        if not held:
            stage.signal(holder, signal.SIGCONT)
        return holder if held else 0

    pid = eventually(stopped, 30, "a worker that holds jobs")
    try:
        if flush:
            stage.flush_redis()
        time.sleep(chance.uniform(1.5, 3) * lease)
    finally:
        stage.signal(pid, signal.SIGCONT)


def _leases(lane: Lane) -> set[bytes]:
    return {
        token
        for (token,) in select(
            "SELECT DISTINCT lease_token FROM jobs WHERE status = 'running' AND queue_lane = %s",
            str(lane),
        )
    }


STRIKES: dict[str, Strike] = {
    "a worker of each lane killed": kill_worker,
    "Redis emptied": empty_redis,
    "the web processes killed": kill_front,
    "a holder of users' jobs stopped": stop_user_holder,
    "a holder of coupons' jobs stopped": stop_coupon_holder,
    "a holder stopped, its locks gone": stop_holder_without_locks,
}
