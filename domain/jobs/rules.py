"""Decisions of the machinery. Pure: values in, decision out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.jobs.kinds import Job
from domain.kernel.backoff import Backoff

RETRY = Backoff(base=0.2, cap=8.0)
HOLD_SECONDS = 30.0
"""How long a job may hold back the later ones of its key by being put back."""
ABORT_SHARE = 0.8
"""A drain that has not committed after this share of its lease gives up: the lease is about to end.
"""
MAX_LOST_ALONE = 3
"""Attempts run alone that took their worker down, after which the job is at fault."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One job that the drain may take, as the lane's window shows it, oldest first."""

    id: int
    key: str
    kind: str
    suspect: bool


def choose(window: Sequence[Waiting], batch: int, per_key: int) -> dict[str, int]:
    """Which keys to take, and how many jobs of each at most, for one drain of one kind.

    The kind is the oldest job's, so no kind waits behind another; of each key only the jobs before
    its first one of another kind, so that the key's order stays. A suspect (a job whose worker
    died) is taken alone. ``per_key`` bounds a key while others want room; what is left over is then
    given to the longest waiting.
    """
    if not window:
        return {}
    kind, ready, closed = window[0].kind, dict[str, int](), set[str]()
    for job in window:
        if job.key in closed:
            continue
        if job.kind != kind or job.suspect:
            if job.suspect and not ready and job.kind == kind:
                return {job.key: 1}
            closed.add(job.key)
            continue
        ready[job.key] = ready.get(job.key, 0) + 1
    return _share(ready, batch, per_key)


def _share(ready: Mapping[str, int], batch: int, per_key: int) -> dict[str, int]:
    chosen: dict[str, int] = {}
    room = batch
    for bounded in (True, False):
        for key, count in ready.items():
            had = chosen.get(key, 0)
            take = min(count - had, room, max(0, per_key - had) if bounded else room)
            if take > 0:
                chosen[key] = had + take
                room -= take
    return chosen


def retry_seconds(attempts: int, failing_for: float, dependency_away: bool) -> float:
    """How long a job that is put back waits; never past the time that it may hold back its key."""
    seconds = RETRY.jittered(max(1, attempts))
    return seconds if dependency_away else min(seconds, max(0.0, HOLD_SECONDS - failing_for))


def split_known(
    window: Sequence[Waiting], known: Collection[str]
) -> tuple[list[Waiting], set[str]]:
    """The jobs that this release can do, and the keys of those that it cannot.

    A release before this one may be asked for what it does not know; such a job, and all behind it
    in its key, waits for a worker that does.
    """
    able: list[Waiting] = []
    unable: set[str] = set()
    for job in window:
        if job.kind not in known:
            unable.add(job.key)
        elif job.key not in unable:
            able.append(job)
    return able, unable


def halves(jobs: Sequence[Job]) -> tuple[Sequence[Job], Sequence[Job]]:
    """A batch that failed as a whole, split in two that each keep the order of their keys.

    Jobs of one key stay together while there is more than one key; a batch of one key is cut in
    the middle, and its second half must come after the first.
    """
    keys = list(dict.fromkeys(job.concurrency_key for job in jobs))
    if len(keys) == 1:
        middle = len(jobs) // 2
        return jobs[:middle], jobs[middle:]
    first = set(keys[: len(keys) // 2])
    return (
        [job for job in jobs if job.concurrency_key in first],
        [job for job in jobs if job.concurrency_key not in first],
    )
