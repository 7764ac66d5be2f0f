"""The job ``coupon.issue``: one of a limited number, to whoever asked first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.coupons import gate, gate_store, issue_store
from domain.coupons.errors import AlreadyIssued, CouponNotFound
from domain.coupons.events import coupon_issued
from domain.coupons.issue_store import Issued
from domain.coupons.rules import Supply
from domain.jobs.keys import coupon_key
from domain.jobs.kinds import Claim, Command, Job, JobKind, Lane, Outcome, Refused, Succeeded
from domain.kernel.clock import rfc3339
from domain.kernel.errors import DomainError
from domain.outbox.append import append
from domain.wallet import service as wallet

NAME = "coupon.issue"


def command(
    user_id: int,
    caller_id: int,
    coupon_id: int,
    claims: tuple[Claim, ...] = (),
    traceparent: str | None = None,
) -> Command:
    """Ask for one of a coupon, for this user."""
    return Command(
        NAME, user_id, caller_id, coupon_key(coupon_id), {"couponId": coupon_id}, claims,
        traceparent,
    )


def recheck(command: Command, _: datetime) -> DomainError | None:
    """A user who got one meanwhile gets no other; the rest is the gate's to say."""
    held = issue_store.holders([(command.payload["couponId"], command.user_id)])
    return AlreadyIssued() if held else None


def issue(jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Issue in the order of the gate's sequence, which is that of the jobs of each coupon.

    Locks coupons by id; the gate too, after them, of a coupon whose last one is issued.
    """
    asking = [(job.payload["couponId"], job.user_id) for job in jobs]
    supplies = issue_store.lock_supplies({coupon_id for coupon_id, _ in asking})
    for coupon_id, user_id in issue_store.holders(asking):
        supplies[coupon_id].holders.add(user_id)
    users = wallet.existing(job.user_id for job in jobs)
    outcomes: dict[int, Outcome] = {}
    winners: list[tuple[Job, Supply]] = []
    for job in jobs:
        try:
            supply = _decide(job, supplies, users)
        except DomainError as refused:
            outcomes[job.id] = Refused(refused)
        else:
            supply.issue(job.user_id)
            winners.append((job, supply))
    outcomes.update(_write(winners))
    return [outcomes[job.id] for job in jobs]


def _decide(job: Job, supplies: dict[int, Supply], users: set[int]) -> Supply:
    """The coupon that the job's user gets one of. Raises what stands against it."""
    supply = supplies.get(job.payload["couponId"])
    if supply is None:
        raise CouponNotFound
    supply.check(job.user_id, job.accepted_at)
    if job.user_id not in users:
        raise wallet.UserNotFound
    return supply


def _write(winners: Sequence[tuple[Job, Supply]]) -> dict[int, Outcome]:
    """Write what was issued, close the gates of what is sold out, and tell of it."""
    if not winners:
        return {}
    issued = issue_store.insert(winners)
    supplies = list({supply.coupon_id: supply for _, supply in winners}.values())
    issue_store.write_counts(supplies)
    sold_out = [supply.coupon_id for supply in supplies if supply.sold_out]
    if sold_out:
        gate_store.close(sold_out)
    results = [
        (job, _result(supply, issued[supply.coupon_id, job.user_id])) for job, supply in winners
    ]
    append([coupon_issued(result, job.user_id, job.traceparent) for job, result in results])
    return {job.id: Succeeded(result) for job, result in results}


def _result(supply: Supply, issued: Issued) -> dict[str, Any]:
    return {
        "userCouponId": issued.id,
        "couponId": supply.coupon_id,
        "name": supply.name,
        "discountType": str(supply.discount.type),
        "discountValue": supply.discount.value,
        "issuedAt": rfc3339(issued.at),
        "expiresAt": rfc3339(supply.expires_at),
    }


KIND = JobKind(
    name=NAME,
    lane=Lane.COUPONS,
    handler=issue,
    location=lambda _, result: f"/api/user-coupons/{result['userCouponId']}",
    creates=True,
    admit=gate.admit,
    recheck=recheck,
)
