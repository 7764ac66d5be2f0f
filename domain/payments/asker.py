"""Asks the payment provider: many slow calls at once, one thread that keeps the books.

One round keeps what was answered, ends holds that have lasted for long enough, claims what is due,
and hands it to threads that only wait. So the database hears a few statements a round however many
calls there are, and neither a connection nor a lock is held while a call lasts. A lease that is
lost (the process was killed) costs a repeated call under the same key, which takes no money twice.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol
from uuid import UUID, uuid4

import peewee
import structlog

from domain.jobs.kinds import Lane
from domain.kernel.backoff import Backoff
from domain.payments import rules, service, store
from domain.payments.answers import Answers
from domain.payments.rules import Judgement, Status
from domain.payments.store import Claimed
from infra.database import run_transaction, session
from infra.metrics import payments_breaker_open, payments_in_flight, payments_waiting

log = structlog.get_logger(__name__)

COLLECT_SECONDS = 0.02  # answers that come within this are kept together
LOOK_SECONDS = 0.5
HOLDS_SECONDS = 0.5
VOID_SECONDS = 2.0
COUNT_SECONDS = 15.0
COUNTED_TO = 100_000
FINISH_SECONDS = 25.0
MOST_AT_ONCE = 500
DATABASE_AWAY = Backoff(base=0.2, cap=5.0)


class Gateway(Protocol):
    def pay(self, key: UUID, body: bytes) -> rules.Reply: ...
    def void(self, key: UUID) -> rules.Reply: ...


class Breaker(Protocol):
    """Spares a provider that fails; used by one thread."""

    @property
    def closed(self) -> bool: ...
    def allowed(self, wanted: int) -> int: ...
    def began(self) -> int: ...
    def succeeded(self, period: int) -> None: ...
    def failed(self, period: int) -> None: ...


class Pool(Protocol):
    """Threads that make calls."""

    def submit(self, call: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Ended:
    request: Claimed
    period: int
    judgement: Judgement


class Asker:
    """The asking side of one process; several processes share the table."""

    def __init__(
        self,
        gateway: Gateway,
        pool: Pool,
        breaker: Breaker,
        *,
        concurrency: int,
        lease_seconds: float,
        wake: Callable[[Lane], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``lease_seconds`` is longer than a call takes at worst; ``wake``: a lane has work."""
        self._gateway = gateway
        self._pool = pool
        self._breaker = breaker
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._wake = wake
        self._clock = clock
        self._token = uuid4().bytes
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._news = threading.Event()
        self._in_flight: dict[int, Claimed] = {}
        self._answers = Answers(self._token)
        self._holds_at = 0.0
        self._void_at = 0.0
        self._count_at = 0.0

    def nudge(self) -> None:
        """Something may be due: look now."""
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Ask until ``stop``, then let the calls under way end and give the rest back."""
        failures = 0
        while not stop.is_set():
            try:
                self._round()
                failures = 0
            except (peewee.InterfaceError, peewee.OperationalError) as error:
                failures += 1
                log.error("payments wait for the database", error=repr(error))
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
        if now >= self._holds_at:
            self._holds_at = now + HOLDS_SECONDS
            self._end_holds()
        if now >= self._void_at:
            self._void_at = now + VOID_SECONDS
            self._give_back_in_vain()
        if now >= self._count_at:
            self._count_at = now + COUNT_SECONDS
            with session():
                payments_waiting.set(store.waiting(COUNTED_TO))
        room = self._breaker.allowed(self._concurrency - len(self._in_flight))
        if room > 0:
            self._begin(self._claim(room))
        payments_in_flight.set(len(self._in_flight))

    def _claim(self, room: int) -> list[Claimed]:
        with session():
            due = store.due(room)
        if not due:
            return []
        claimed = run_transaction(lambda: store.claim(self._token, due, self._lease_seconds))
        # One whose lease ran out while its call goes on is not called a second time beside it.
        return [one for one in claimed if one.job_id not in self._in_flight]

    def _begin(self, claimed: list[Claimed]) -> None:
        if not claimed:
            return
        period = self._breaker.began()
        for request in claimed:
            self._in_flight[request.job_id] = request
            self._pool.submit(partial(self._call, request, period))

    def _call(self, request: Claimed, period: int) -> None:
        payment = request.payment
        try:
            if request.status is Status.VOIDING:
                judgement = rules.judge_void(payment, self._gateway.void(payment.key))
            else:
                reply = self._gateway.pay(payment.key, rules.body_of(payment))
                judgement = rules.judge(payment, reply)
        except Exception as error:
            # A fault of ours. Unheard of, its request would stay under way for ever.
            log.exception("a call broke", payment=str(payment.key))
            judgement = Judgement(None, repr(error))
        self._ended.put(_Ended(request, period, judgement))
        self._news.set()

    def _collect(self) -> None:
        """Take the answers that came; what is to be kept waits for the database if need be."""
        while True:
            try:
                ended = self._ended.get_nowait()
            except Empty:
                return
            request, judgement = ended.request, ended.judgement
            self._in_flight.pop(request.job_id, None)
            self._tell_breaker(judgement, ended.period)
            self._answers.add(request, judgement)

    def _tell_breaker(self, judgement: Judgement, period: int) -> None:
        was_closed = self._breaker.closed
        if judgement.works:
            self._breaker.succeeded(period)
        else:
            self._breaker.failed(period)
        if self._breaker.closed != was_closed:
            payments_breaker_open.set(int(was_closed))
            if was_closed:
                log.error(
                    "the payment provider fails; calls are held back", reason=judgement.reason
                )
            else:
                log.warning("the payment provider works again")

    def _write_back(self) -> None:
        if self._answers.write():
            self._wake(Lane.USERS)

    def _end_holds(self) -> None:
        if service.let_go_overdue():
            self._wake(Lane.USERS)

    def _give_back_in_vain(self) -> None:
        """What was approved and could not be booked: the money goes back."""
        with session():
            in_vain = store.approved_in_vain(MOST_AT_ONCE)
        if in_vain:
            count = run_transaction(lambda: store.give_back(in_vain))
            log.error("approved charges failed here; their payments are given back", count=count)

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
            log.error("not kept at the end; leases will run out", error=repr(error))

    def _release(self) -> None:
        rest = list(self._in_flight)
        if rest:
            run_transaction(lambda: store.release(self._token, rest))
            log.warning("calls given up at the end", count=len(rest))
