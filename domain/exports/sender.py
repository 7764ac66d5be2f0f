"""Carries exports to the data platform: many slow calls at once, one thread that keeps the books.

One round writes back what ended, claims what is due, and hands it to threads that only wait. So
the database hears a few statements a round however many calls there are, and no connection is held
while a call lasts. A lease is longer than a call can be; one that is lost all the same (the
process was paused) costs a repeated call under the same Idempotency-Key.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from random import random
from typing import Protocol
from uuid import UUID, uuid4

import peewee
import structlog

from domain.exports import rules, store
from domain.exports.pulse import beat
from domain.exports.rules import Outcome
from domain.exports.store import Claimed, Failure
from domain.kernel.backoff import Backoff
from domain.kernel.breaker import Breaker
from infra import data_platform
from infra.callers import Callers
from infra.database import run_transaction, session
from infra.metrics import (
    exports_breaker_open,
    exports_dead,
    exports_ended,
    exports_in_flight,
)

log = structlog.get_logger(__name__)

COLLECT_SECONDS = 0.1  # calls that end within this are written back together
LOOK_SECONDS = 0.5  # how soon a retry that falls due is noticed while nothing else happens
TAKE_OVER_SECONDS = 2.0
TELL_SECONDS = 5.0
FINISH_SECONDS = 25.0
MOST_TAKEN_OVER = 1000

# More in a row than happens by chance at one failure in ten, and fewer than an export has tries,
# so that an outage is taken for one before it has used up the tries of a lone order.
BREAKER_THRESHOLD = 8
BREAKER_PAUSE = Backoff(base=1.0, cap=30.0)
DATABASE_AWAY = Backoff(base=0.2, cap=5.0)


class Platform(Protocol):
    def send(self, event_id: UUID, body: bytes) -> rules.Reply: ...


@dataclass(frozen=True, slots=True)
class _Ended:
    export: Claimed
    period: int
    reply: rules.Reply


class Sender:
    """The sending side of one process; several processes share the table."""

    def __init__(
        self,
        platform: Platform,
        *,
        concurrency: int,
        tries: int,
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``lease_seconds`` is longer than ``platform.send`` takes at worst."""
        self._platform = platform
        self._concurrency = concurrency
        self._tries = tries
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._token = uuid4().bytes
        self._breaker = Breaker(BREAKER_THRESHOLD, BREAKER_PAUSE, clock)
        self._callers = Callers(concurrency)
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._news = threading.Event()
        self._in_flight: dict[UUID, Claimed] = {}
        self._synced: list[UUID] = []
        self._failed: list[Failure] = []
        self._take_over_at = 0.0
        self._heard = False
        self._tell_at = 0.0

    def wake(self) -> None:
        """Something may be due: look now."""
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``, then let the calls under way end and give the rest back."""
        failures = 0
        while not stop.is_set():
            try:
                self._round()
                failures = 0
            except (peewee.InterfaceError, peewee.OperationalError) as error:
                failures += 1
                log.error("exports wait for the database", error=repr(error))
                stop.wait(DATABASE_AWAY.jittered(failures))
                continue
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            stop.wait(COLLECT_SECONDS)
        self._finish()

    def _round(self) -> None:
        self._collect()
        self._write_back()
        now = self._clock()
        if now >= self._take_over_at:
            self._take_over_at = now + TAKE_OVER_SECONDS
            self._take_over()
        if now >= self._tell_at:
            self._tell_at = now + TELL_SECONDS
            beat(self._breaker.closed, self._heard)
        room = self._breaker.allowed(self._concurrency - len(self._in_flight))
        if room > 0:
            self._begin(self._claim(room))
        exports_in_flight.set(len(self._in_flight))

    def _claim(self, room: int) -> list[Claimed]:
        with session():
            due = store.due(room)
        if not due:
            return []
        claimed = run_transaction(lambda: store.claim(self._token, due, self._lease_seconds))
        # One whose lease ran out while its call goes on is not called a second time beside it.
        return [one for one in claimed if one.event_id not in self._in_flight]

    def _begin(self, claimed: list[Claimed]) -> None:
        if not claimed:
            return
        period = self._breaker.began()
        for export in claimed:
            self._in_flight[export.event_id] = export
            self._callers.submit(partial(self._call, export, period))

    def _call(self, export: Claimed, period: int) -> None:
        body = rules.body_of(export.event_id, export.type, export.payload)
        reply: rules.Reply
        try:
            reply = self._platform.send(export.event_id, body)
        except Exception as error:
            # A fault of ours. Unheard of, its export would stay under way for ever.
            log.exception("a call broke", event_id=str(export.event_id))
            reply = data_platform.Reply(error=repr(error))
        self._ended.put(_Ended(export, period, reply))
        self._news.set()

    def _collect(self) -> None:
        """Judge the calls that ended; what is to be written waits for the database if need be."""
        while True:
            try:
                ended = self._ended.get_nowait()
            except Empty:
                return
            self._in_flight.pop(ended.export.event_id, None)
            verdict = rules.judge(ended.export.event_id, ended.reply)
            self._tell_breaker(verdict, ended.period)
            if verdict.outcome is Outcome.SYNCED:
                exports_ended.labels(verdict.outcome).inc()
                self._synced.append(ended.export.event_id)
            else:
                self._failed.append(self._failure(ended.export, verdict))

    def _tell_breaker(self, verdict: rules.Verdict, period: int) -> None:
        was_closed = self._breaker.closed
        if verdict.outcome in (Outcome.SYNCED, Outcome.REJECTED):
            self._heard = True
            self._breaker.succeeded(period)
        else:
            self._breaker.failed(period)
        if self._breaker.closed != was_closed:
            exports_breaker_open.set(int(was_closed))
            if was_closed:
                log.error("the data platform fails; calls are held back", reason=verdict.reason)
            else:
                log.warning("the data platform works again")

    def _failure(self, export: Claimed, verdict: rules.Verdict) -> Failure:
        step = rules.after(
            verdict, attempts=export.attempts, faults=export.faults, tries=self._tries,
            platform_works=self._breaker.closed, random=random,
        )
        said = {
            "order_id": export.order_id, "event_id": str(export.event_id), "type": export.type,
            "attempts": export.attempts + 1, "reason": verdict.reason,
        }
        exports_ended.labels(verdict.outcome).inc()
        if step.delay is None:
            exports_dead.labels(export.type).inc()
            log.error("an order's export is dead; resync sends it again", **said)
        else:
            log.info("an export failed", **said, next_in=round(step.delay, 3))
        return Failure(export.event_id, verdict.reason or "", step.fault, step.delay)

    def _write_back(self) -> None:
        token, synced, failures = self._token, self._synced, self._failed
        if synced:
            self._note_fenced(len(synced), run_transaction(lambda: store.synced(token, synced)))
            self._synced = []
        if failures:
            self._note_fenced(len(failures), run_transaction(lambda: store.failed(token, failures)))
            self._failed = []

    def _note_fenced(self, ended: int, written: int) -> None:
        if written < ended:
            exports_ended.labels("fenced").inc(ended - written)
            log.warning("exports whose lease was lost meanwhile", count=ended - written)

    def _take_over(self) -> None:
        count = run_transaction(lambda: store.take_over(MOST_TAKEN_OVER))
        if count:
            log.warning("exports whose sender is gone", count=count)

    def _finish(self) -> None:
        """No new calls; those under way get 25 s; what is left is given back."""
        end = self._clock() + FINISH_SECONDS
        while self._in_flight and self._clock() < end:
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            self._last_words(self._write_back)
        self._last_words(self._write_back)
        self._last_words(self._release)

    def _last_words(self, write: Callable[[], None]) -> None:
        try:
            self._collect()
            write()
        except (peewee.InterfaceError, peewee.OperationalError) as error:
            log.error("not written at the end; leases will run out", error=repr(error))

    def _release(self) -> None:
        rest = list(self._in_flight)
        if rest:
            run_transaction(lambda: store.release(self._token, rest))
            log.warning("calls given up at the end", count=len(rest))
