"""The drain: a worker doing the queued jobs of a lane, oldest first, in batches over many keys.

Take the oldest jobs of runnable keys, try the keys' locks without waiting, claim, perform,
announce, give the locks back and look again. Keys that are busy are left out and the query
repeated; their holder looks again at every key it held after it has released it, so no wake is
lost.
"""

import os
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import peewee
import structlog
from redis import Redis
from redis.exceptions import RedisError

from domain.jobs import claim_store, window_store
from domain.jobs.announce import announce
from domain.jobs.claim import Claimed, claim
from domain.jobs.errors import LeaseLost
from domain.jobs.kinds import Kinds, Lane
from domain.jobs.lanes import LaneStates, always_running
from domain.jobs.perform import Performer
from domain.jobs.rules import Waiting, choose, split_known
from infra.database import run_transaction, session
from infra.database_errors import is_connection_lost
from infra.key_lock import KeyLocks
from infra.metrics import drain_batch_size, fenced_writes

TURN_SECONDS = 5.0
"""How long one wake may keep a worker before the lane is woken anew."""

log = structlog.get_logger(__name__)


class Drain:
    """Does the work of lanes. One object a process; its methods may run in several threads."""

    def __init__(
        self,
        kinds: Kinds,
        client: Redis,
        *,
        batch: int,
        batch_per_key: int,
        lease_seconds: float,
        after_commit: Callable[[], None],
        lane_state: LaneStates = always_running,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kinds = kinds
        self._client = client
        self._locks = KeyLocks(client, lease_seconds)
        self._batch = batch
        self._batch_per_key = batch_per_key
        self._lease_seconds = lease_seconds
        self._after_commit = after_commit
        self._lane_state = lane_state
        self._clock = clock

    def run(self, lane: Lane) -> bool:
        """Work until nothing is left or the lane is paused (False), or the turn is over (True: wake
        the lane again).

        Raises RedisError when the locks cannot be asked for and the database's error when it is
        away: the sweeper wakes the lane when both are back.
        """
        end = self._clock() + TURN_SECONDS
        busy: set[str] = set()
        with session():
            while self._clock() < end:
                if self._lane_state(lane).paused:
                    return False
                window, unable = split_known(self._window(lane, busy), self._kinds.lane(lane))
                if unable:
                    log.error("jobs of kinds that this release does not know", keys=len(unable))
                    busy |= unable
                wanted = choose(window, self._batch, self._batch_per_key)
                if not wanted and not unable:
                    return False
                if not wanted:
                    continue
                busy |= self._round(lane, window[0].kind, wanted)
        return True

    def _window(self, lane: Lane, busy: set[str]) -> list[Waiting]:
        """A batch of waiting jobs; more from behind keys that would fill it alone."""
        found = window_store.window(lane, self._batch, busy)
        if len(found) == self._batch:
            counts: dict[str, int] = {}
            for job in found:
                counts[job.key] = counts.get(job.key, 0) + 1
            hot = {key for key, count in counts.items() if count > self._batch_per_key}
            if hot:
                seen = {job.id for job in found}
                behind = window_store.window(lane, self._batch, busy | hot)
                found += [job for job in behind if job.id not in seen]
        return found

    def _round(self, lane: Lane, kind: str, wanted: dict[str, int]) -> set[str]:
        """One batch: lock, claim, perform, release. Returns the keys to leave out from now on."""
        token, held = self._locks.acquire(list(wanted))
        refused = set(wanted) - set(held)
        if not held:
            return refused
        try:
            claimed = self._claim(lane, kind, {key: wanted[key] for key in held})
            if claimed.jobs:
                self._perform(lane, kind, claimed)
            else:
                announce(claimed.ended, self._client)
        finally:
            self._release(token, held)
        # Keys of which nothing could be claimed belong to somebody else, whatever Redis says.
        return refused if claimed.moved else refused | set(held)

    def _claim(self, lane: Lane, kind: str, wanted: dict[str, int]) -> Claimed:
        token = os.urandom(16)
        try:
            running_for = self._lane_state(lane).running_for
            return claim(lane, kind, wanted, token, self._lease_seconds, running_for)
        except LeaseLost as lost:
            # Both held the keys' locks, which Redis may forget: the database let the other go on.
            log.warning("claim lost to another worker", lane=lane, reason=str(lost))
            return Claimed(token, [])

    def _perform(self, lane: Lane, kind: str, claimed: Claimed) -> None:
        drain_batch_size.labels(lane).observe(len(claimed.jobs))
        try:
            performed = self._performer(kind, claimed).perform(claimed.jobs)
        except LeaseLost as lost:
            fenced_writes.inc()
            log.warning("fenced off", lane=lane, kind=kind, reason=str(lost))
            return
        except peewee.PeeweeException as error:
            if is_connection_lost(error):
                self._give_back(claimed)
            raise
        self._ended(performed.ended)
        if performed.parked:
            self._kinds[kind].parked()

    def _performer(self, kind: str, claimed: Claimed) -> Performer:
        return Performer(self._kinds[kind], claimed.token, self._lease_seconds, self._clock)

    def _ended(self, uuids: Sequence[UUID]) -> None:
        if uuids:
            announce(uuids, self._client)
            self._after_commit()

    def _give_back(self, claimed: Claimed) -> None:
        """After a lost connection: what is still ours did not commit, so it is queued again."""
        ids = [job.id for job in claimed.jobs]
        try:
            given = run_transaction(lambda: claim_store.give_back(ids, claimed.token))
            log.warning("connection lost, jobs given back", jobs=given, of=len(ids))
        except peewee.PeeweeException as error:
            log.warning("connection lost, jobs left to their lease", error=str(error))

    def _release(self, token: str, held: Sequence[str]) -> None:
        try:
            self._locks.release(token, held)
        except RedisError as error:
            log.warning("locks left to expire", keys=len(held), error=str(error))
