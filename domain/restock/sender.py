"""Carries restock notices to the mail server: some at once, one thread that keeps the books.

One round makes mails for a bounded number of those who waited, writes back what ended, claims what
is due and hands it to threads that only wait. No database connection is held while a mail is sent.

Each mail is sent once, but for one gap that SMTP leaves: between the server's 250 and our commit
the process may die, or the answer may be lost on its way. The mail is then sent again, with the
same Message-ID, by which servers and readers can tell that it is the same. A mail is claimed, by
compare-and-set and under a lease, before it is sent, so nothing else makes it go out twice.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from random import random
from uuid import uuid4

import peewee
import structlog

from domain.kernel.backoff import Backoff
from domain.kernel.breaker import Breaker
from domain.restock import mail_store, rules, service
from domain.restock.delivery import Mailer, deliver
from domain.restock.mail_store import Claimed, Failure
from domain.restock.pulse import MailState, beat
from domain.restock.rules import Outcome
from infra.callers import Callers
from infra.database import run_transaction, session
from infra.metrics import (
    notices_dead,
    notices_due,
    notices_ended,
    notices_held_back,
)

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
COLLECT_SECONDS = 0.025  # mails that end within this are written back together
TAKE_OVER_SECONDS = 2.0
TELL_SECONDS = 5.0
FINISH_SECONDS = 25.0
MOST_TAKEN_OVER = 1000
STEPS_A_ROUND = 10
"""Of the fan-out: what is due goes out meanwhile, however many wait for one product."""

# More in a row than happens by chance, and fewer than a mail has tries, so that an outage is taken
# for one before it has used up the tries of a lone mail.
BREAKER_THRESHOLD = 6
BREAKER_PAUSE = Backoff(base=1.0, cap=30.0)
DATABASE_AWAY = Backoff(base=0.2, cap=5.0)


@dataclass(frozen=True, slots=True)
class _Ended:
    notice: Claimed
    period: int
    reply: rules.Reply


class Sender:
    """The sending side of one process; several processes share the table."""

    def __init__(
        self,
        mailer: Mailer | None,
        *,
        mail_from: str,
        concurrency: int,
        tries: int,
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a ``mailer`` the mails are made, and wait. ``lease_seconds`` is longer than
        ``mailer.send`` takes at worst; ``mail_from`` is an address, or ``Name <address>``."""
        self._mailer = mailer
        self._mail_from = mail_from
        self._concurrency = concurrency
        self._tries = tries
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._token = uuid4().bytes
        self._breaker = Breaker(BREAKER_THRESHOLD, BREAKER_PAUSE, clock)
        self._callers = Callers(concurrency)
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._news = threading.Event()
        self._in_flight: dict[int, Claimed] = {}
        self._told: list[int] = []
        self._failed: list[Failure] = []
        self._heard = False
        self._take_over_at = 0.0
        self._tell_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``, then let the mails under way end and give the rest back."""
        if self._mailer is None:
            log.warning("restock notices wait: SMTP_URL names no mail server")
        notices_held_back.set(int(self._mailer is None))
        failures = 0
        while not stop.is_set():
            try:
                more = self._round()
                failures = 0
            except (peewee.InterfaceError, peewee.OperationalError) as error:
                failures += 1
                log.error("restock notices wait for the database", error=repr(error))
                stop.wait(DATABASE_AWAY.jittered(failures))
                continue
            if not more:
                self._news.wait(LOOK_SECONDS)
            self._news.clear()
            stop.wait(COLLECT_SECONDS)
        self._finish()

    def _round(self) -> bool:
        """Returns whether there may be more mails to make."""
        self._collect()
        self._write_back()
        more = self._fan_out()
        now = self._clock()
        if now >= self._take_over_at:
            self._take_over_at = now + TAKE_OVER_SECONDS
            self._take_over()
        if now >= self._tell_at:
            self._tell_at = now + TELL_SECONDS
            beat(self._state())
        room = self._breaker.allowed(self._concurrency - len(self._in_flight))
        if self._mailer is not None and room > 0:
            self._begin(self._mailer, self._claim(room))
        return more

    def _fan_out(self) -> bool:
        for _ in range(STEPS_A_ROUND):
            made = service.fan_out()
            if made is None:
                return False
            notices_due.inc(made)
        return True

    def _claim(self, room: int) -> list[Claimed]:
        with session():
            due = mail_store.due(room)
        if not due:
            return []
        claimed = run_transaction(lambda: mail_store.claim(self._token, due, self._lease_seconds))
        # One whose lease ran out while it is being sent is not sent a second time beside it.
        return [one for one in claimed if one.id not in self._in_flight]

    def _begin(self, mailer: Mailer, claimed: list[Claimed]) -> None:
        if not claimed:
            return
        period = self._breaker.began()
        for notice in claimed:
            self._in_flight[notice.id] = notice
            self._callers.submit(partial(self._call, mailer, notice, period))

    def _call(self, mailer: Mailer, notice: Claimed, period: int) -> None:
        reply = deliver(mailer, self._mail_from, notice)
        self._ended.put(_Ended(notice, period, reply))
        self._news.set()

    def _collect(self) -> None:
        """Judge the mails that ended; what is to be written waits for the database if need be."""
        while True:
            try:
                ended = self._ended.get_nowait()
            except Empty:
                return
            self._in_flight.pop(ended.notice.id, None)
            verdict = rules.judge(ended.reply)
            self._hear()
            self._tell_breaker(verdict, ended.period)
            notices_ended.labels(verdict.outcome).inc()
            if verdict.outcome is Outcome.TOLD:
                self._told.append(ended.notice.id)
            else:
                self._failed.append(self._failure(ended.notice, verdict))

    def _hear(self) -> None:
        """Something came of a mail: how the server is can be told now."""
        if not self._heard:
            self._heard, self._tell_at = True, 0.0

    def _tell_breaker(self, verdict: rules.Verdict, period: int) -> None:
        was_closed = self._breaker.closed
        if verdict.outcome in (Outcome.TOLD, Outcome.REFUSED):
            self._breaker.succeeded(period)
        else:
            self._breaker.failed(period)
        if self._breaker.closed != was_closed:
            notices_held_back.set(int(was_closed))
            self._tell_at = 0.0
            if was_closed:
                log.error("the mail server fails; notices are held back", reason=verdict.reason)
            else:
                log.warning("the mail server works again")

    def _failure(self, notice: Claimed, verdict: rules.Verdict) -> Failure:
        step = rules.after(
            verdict, attempts=notice.attempts, faults=notice.faults, tries=self._tries,
            server_works=self._breaker.closed, random=random,
        )
        said = {
            "notice": notice.id, "product_id": notice.product_id,
            "attempts": notice.attempts + 1, "reason": verdict.reason,
        }
        if step.delay is None:
            notices_dead.labels(verdict.outcome).inc()
            log.error("a restock notice is dead; its user must ask anew", **said)
        else:
            log.info("a restock notice was not taken", **said, next_in=round(step.delay, 3))
        return Failure(notice.id, verdict.reason or "", step.fault, step.delay)

    def _write_back(self) -> None:
        token, told, failures = self._token, self._told, self._failed
        if told:
            self._note_lost(len(told), run_transaction(lambda: mail_store.told(token, told)))
            self._told = []
        if failures:
            written = run_transaction(lambda: mail_store.failed(token, failures))
            self._note_lost(len(failures), written)
            self._failed = []

    def _note_lost(self, ended: int, written: int) -> None:
        if written < ended:
            notices_ended.labels("lost").inc(ended - written)
            log.warning("notices withdrawn or taken over meanwhile", count=ended - written)

    def _take_over(self) -> None:
        count = run_transaction(lambda: mail_store.take_over(MOST_TAKEN_OVER))
        if count:
            log.warning("notices whose sender is gone", count=count)

    def _state(self) -> MailState:
        if self._mailer is None:
            return MailState.UNSET
        if not self._breaker.closed:
            return MailState.AWAY
        return MailState.UP if self._heard else MailState.UNKNOWN

    def _finish(self) -> None:
        """No new mails; those under way get 25 s; what is left is given back."""
        end = self._clock() + FINISH_SECONDS
        while self._in_flight and self._clock() < end:
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            self._last_words(self._write_back)
        self._last_words(self._write_back)
        self._last_words(self._release)
        if self._mailer is not None:
            self._mailer.close()

    def _last_words(self, write: Callable[[], None]) -> None:
        try:
            self._collect()
            write()
        except (peewee.InterfaceError, peewee.OperationalError) as error:
            log.error("not written at the end; leases will run out", error=repr(error))

    def _release(self) -> None:
        rest = list(self._in_flight)
        if rest:
            run_transaction(lambda: mail_store.release(self._token, rest))
            log.warning("mails given up at the end", count=len(rest))
