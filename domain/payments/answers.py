"""What the provider answered, kept in memory until the database has it."""

from random import random

import structlog

from domain.jobs import parking
from domain.jobs.kinds import Lane
from domain.payments import rules, store
from domain.payments.rules import Judgement, Status
from domain.payments.store import Claimed, Decided, Unknown
from infra.database import run_transaction
from infra.metrics import payments_ended, payments_wrong

log = structlog.get_logger(__name__)


class Answers:
    """The answers to what one asker, whose leases bear ``token``, has asked; for one thread."""

    def __init__(self, token: bytes) -> None:
        self._token = token
        self._decided: list[Decided] = []
        self._voided: list[int] = []
        self._unknown: list[Unknown] = []

    def add(self, request: Claimed, judgement: Judgement) -> None:
        """Keep one answer."""
        payments_ended.labels(judgement.status or "unknown").inc()
        if judgement.status is None:
            self._unknown.append(_again(request, judgement))
        elif judgement.status is Status.VOIDED:
            self._voided.append(request.job_id)
        else:
            self._decided.append(
                Decided(request.job_id, judgement.status, judgement.reason, judgement.provider_id)
            )

    def write(self) -> bool:
        """Write all down; what the database does not take stays for the next time.

        Returns whether charges go on. Raises the database's error.
        """
        decided, voided, unknown = self._decided, self._voided, self._unknown
        if decided:
            run_transaction(lambda: _decide(decided))
            self._decided = []
        if voided:
            run_transaction(lambda: store.voided(voided))
            self._voided = []
        if unknown:
            run_transaction(lambda: store.again(self._token, unknown))
            self._unknown = []
        return bool(decided)


def _decide(decided: list[Decided]) -> None:
    """Keep the verdicts, and have their charges go on."""
    waited = store.decide(decided)
    resumed = parking.resume(waited, Lane.USERS)
    if resumed != len(waited):
        log.error("charges with an outcome were not parked", count=len(waited) - resumed)


def _again(request: Claimed, judgement: Judgement) -> Unknown:
    tries = request.attempts + 1
    delay = rules.delay(judgement, tries, random)
    said = {
        "payment": str(request.payment.key), "asked_for": str(request.status),
        "attempts": tries, "reason": judgement.reason, "next_in": round(delay, 3),
    }
    if judgement.wrong:
        payments_wrong.inc()
        log.error("the payment provider answers what it must not", **said)
    else:
        log.info("the outcome of a payment is unknown", **said)
    return Unknown(request.job_id, judgement.reason or "", delay)
