"""The job ``balance.charge``: money into a user's balance."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.jobs.keys import transaction_claim, user_key
from domain.jobs.kinds import Claim, Command, Job, JobKind, Lane, Outcome, Refused, Succeeded
from domain.kernel.clock import rfc3339
from domain.kernel.errors import DomainError
from domain.outbox.append import append
from domain.wallet import store
from domain.wallet.errors import UserNotFound
from domain.wallet.events import balance_charged
from domain.wallet.rules import Entry
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


def charge(jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Charge each job's user, in order; a job that its rules refuse leaves the others be."""
    accounts = store.lock_accounts(job.user_id for job in jobs)
    at = now()
    outcomes: list[Outcome] = []
    events = []
    for job in jobs:
        try:
            account = accounts.get(job.user_id)
            if account is None:
                raise UserNotFound
            entry = account.charge(job.payload["amount"], job.payload.get("transactionId"), job.id)
        except DomainError as refusal:
            outcomes.append(Refused(refusal))
        else:
            result = _result(entry, rfc3339(at))
            outcomes.append(Succeeded(result))
            events.append(balance_charged(result, job.traceparent))
    store.write(accounts.values(), at)
    append(events)
    return outcomes


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
    reclaim=reclaim,
)
