"""Waiting for jobs to end, thousands at once, at next to no cost.

One thread listens to the announcements of ended jobs, another rereads every second those that are
waited for; each reads many jobs with one query and hands the rows out. A waiter registers before it
reads, so an end in between is not missed, and holds no database connection while it waits.
"""

import threading
import time
from collections.abc import Sequence
from uuid import UUID

import peewee
import structlog
from redis.exceptions import RedisError

from domain.jobs.announce import CHANNEL, announced
from domain.jobs.status_store import JobRecord, ended_among
from infra.database import session
from infra.redis import listen

REREAD_SECONDS = 1.0
READ_AT_ONCE = 1000
RECONNECT_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Waiter:
    """One request that waits for one job."""

    def __init__(self, uuid: UUID) -> None:
        self.uuid = uuid
        self.ended = threading.Event()
        self.job: JobRecord | None = None


class Waiting:
    """Who waits for what in this process."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._waiters: dict[UUID, list[Waiter]] = {}
        self._lock = threading.Lock()
        self._started = False
        self._closing = False

    def register(self, uuid: UUID) -> Waiter:
        """Begin to wait for a job; call before reading or making it. :meth:`leave` ends it."""
        waiter = Waiter(uuid)
        with self._lock:
            self._waiters.setdefault(uuid, []).append(waiter)
            if not self._started:  # by the first waiter, which is after the fork
                self._started = True
                for target in (self._listen, self._reread):
                    threading.Thread(target=target, name=target.__name__, daemon=True).start()
        return waiter

    def wait(self, waiter: Waiter, seconds: float) -> JobRecord | None:
        """The ended job, or None when it has not ended in time or the process is stopping."""
        if not self._closing:
            waiter.ended.wait(seconds)
        return waiter.job

    def leave(self, waiter: Waiter) -> None:
        """Stop waiting."""
        with self._lock:
            others = self._waiters.get(waiter.uuid, [])
            if waiter in others:
                others.remove(waiter)
            if not others:
                self._waiters.pop(waiter.uuid, None)

    def close(self) -> None:
        """The process is stopping: every waiter answers now with what it has."""
        self._closing = True
        with self._lock:
            waiting = [waiter for waiters in self._waiters.values() for waiter in waiters]
        for waiter in waiting:
            waiter.ended.set()

    def _listen(self) -> None:
        while True:
            try:
                for message in listen(self._redis_url, CHANNEL):
                    self._hand_out(announced(message or b""))
            except RedisError as error:
                log.warning("announcements away, rereading every second", error=str(error))
            except Exception:  # the waiters would otherwise wait a second each, for ever
                log.exception("announcements failed")
            time.sleep(RECONNECT_SECONDS)

    def _reread(self) -> None:
        while True:
            time.sleep(REREAD_SECONDS)
            try:
                self._hand_out(list(self._waiters))
            except Exception:
                log.exception("rereading failed")

    def _hand_out(self, uuids: Sequence[UUID]) -> None:
        """Read those of ``uuids`` that somebody waits for, and wake the waiters of the ended."""
        wanted = [uuid for uuid in uuids if uuid in self._waiters]
        for start in range(0, len(wanted), READ_AT_ONCE):
            try:
                with session(first=True):
                    jobs = ended_among(wanted[start : start + READ_AT_ONCE])
            except peewee.PeeweeException as error:
                log.warning("jobs not read", error=repr(error))
                return
            for job in jobs:
                self._end(job)

    def _end(self, job: JobRecord) -> None:
        with self._lock:
            waiters = list(self._waiters.get(job.uuid, ()))
        for waiter in waiters:
            waiter.job = job
            waiter.ended.set()
