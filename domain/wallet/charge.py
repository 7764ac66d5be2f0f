"""The job ``balance.charge``: money into a user's balance."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.jobs.errors import JobNotRetryable
from domain.jobs.keys import transaction_claim, user_key
from domain.jobs.kinds import (
    Claim,
    Command,
    Job,
    JobKind,
    Lane,
    Outcome,
    Parked,
    PutBack,
    Refused,
    Succeeded,
)
from domain.kernel.clock import rfc3339
from domain.kernel.errors import DomainError
from domain.outbox.append import append
from domain.outbox.events import Event
from domain.payments import service as payments
from domain.payments.service import Standing
from domain.wallet import store
from domain.wallet.errors import PaymentRefused, UserNotFound
from domain.wallet.events import balance_charged
from domain.wallet.rules import Account, Entry
from infra.database import now

NAME = "balance.charge"


def command(
    user_id: int,
    caller_id: int,
    amount: int,
    transaction_id: str | None,
    payment_method: str | None,
    claims: tuple[Claim, ...] = (),
    traceparent: str | None = None,
) -> Command:
    """Ask to charge ``amount`` won. A transactionId is claimed for the user for ever, with the
    amount that it stands for."""
    payload = {
        "amount": amount, "transactionId": transaction_id, "paymentMethod": payment_method,
    }
    claims = (*claims, *reclaim(user_id, payload))
    return Command(
        NAME, user_id, caller_id, user_key(user_id), payload, claims, traceparent
    )


def reclaim(user_id: int, payload: Mapping[str, Any]) -> tuple[Claim, ...]:
    """The claim to the transactionId that a charge has, if any."""
    if payload.get("transactionId") is None:
        return ()
    return (transaction_claim(user_id, payload["transactionId"], payload["amount"]),)


def recheck(command: Command, _: datetime) -> DomainError | None:
    """A charge that is done again is a new payment for the provider: the failed one must not have
    been paid, or be paid yet."""
    taken = payments.taken_by(command.retry_of) if command.retry_of else None
    return JobNotRetryable(taken) if taken else None


def charge(jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Charge each job's user, in order; a job that its rules refuse leaves the others be.

    With a payment provider, a charge is parked until that has said what became of it, and then
    comes here again. What would be refused anyway is refused before anybody is asked for money.
    """
    accounts = store.lock_accounts(job.user_id for job in jobs)
    batch = _Batch(accounts, payments.standing(jobs), now())
    outcomes = [batch.decide(job) for job in jobs]
    store.write(accounts.values(), batch.at)
    append(batch.events)
    payments.ask(batch.to_ask)
    payments.booked(batch.approved)
    return outcomes


class _Batch:
    """Charges decided one after another, and what has to be written for them."""

    def __init__(
        self, accounts: Mapping[int, Account], asked: Mapping[int, payments.Asked], at: datetime
    ) -> None:
        self.at = at
        self.events: list[Event] = []
        self.to_ask: list[Job] = []
        self.approved: list[Job] = []
        self._accounts = accounts
        self._asked = asked
        self._parked_keys: set[str] = set()

    def decide(self, job: Job) -> Outcome:
        """A charge behind one of its key that is parked may be parked too, and nothing else."""
        standing, reason = self._asked[job.id]
        try:
            if standing in (Standing.NEW, Standing.UNKNOWN):
                return self._park(job, standing)
            if job.concurrency_key in self._parked_keys:
                return _BEHIND
            if standing is Standing.DECLINED:
                raise PaymentRefused(reason)
            return self._book(job, standing)
        except DomainError as refusal:
            return _BEHIND if job.concurrency_key in self._parked_keys else Refused(refusal)

    def _park(self, job: Job, standing: Standing) -> Outcome:
        if standing is Standing.NEW:
            self._account(job).make_room(job.payload["amount"])
            self.to_ask.append(job)
        self._parked_keys.add(job.concurrency_key)
        return Parked()

    def _book(self, job: Job, standing: Standing) -> Outcome:
        entry = self._account(job).charge(
            job.payload["amount"], job.payload.get("transactionId"), job.id
        )
        if standing is Standing.APPROVED:
            self.approved.append(job)
        result = _result(entry, rfc3339(self.at))
        self.events.append(
            balance_charged(result, job.payload.get("transactionId"), job.traceparent)
        )
        return Succeeded(result)

    def _account(self, job: Job) -> Account:
        account = self._accounts.get(job.user_id)
        if account is None:
            raise UserNotFound
        return account


_BEHIND = PutBack("behind a charge whose outcome is unknown", dependency_away=True)


def _result(entry: Entry, charged_at: str) -> dict[str, Any]:
    return {
        "userId": entry.user_id,
        "previousBalance": entry.previous,
        "chargedAmount": entry.amount,
        "currentBalance": entry.current,
        "chargedAt": charged_at,
    }


KIND = JobKind(
    name=NAME,
    lane=Lane.USERS,
    handler=charge,
    location=lambda user_id, _: f"/api/users/{user_id}/balance",
    recheck=recheck,
    reclaim=reclaim,
    parked=payments.nudge,
)
