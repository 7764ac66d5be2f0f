"""What others may ask of payments: a charge's handler, and the scheduler."""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import structlog

from domain.jobs import parking
from domain.jobs.kinds import Job
from domain.outbox.nudge import ANSWER_SECONDS, Nudger
from domain.payments import store
from domain.payments.rules import Status
from infra.database import run_transaction, session
from infra.metrics import payments_let_go
from infra.redis import connect
from infra.settings import settings

CHANNEL = "payments:nudge"
MOST_LET_GO = 500

log = structlog.get_logger(__name__)


class Standing(StrEnum):
    """How a charge stands with the payment provider."""

    FREE = "free"
    """There is no provider: it is booked without."""
    NEW = "new"
    """It has not been asked for yet."""
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"


class Asked(NamedTuple):
    """``reason``: why it was declined, in the provider's words."""

    standing: Standing
    reason: str | None = None


_STANDING = {
    Status.ASKING: Standing.UNKNOWN, Status.APPROVED: Standing.APPROVED,
    Status.DECLINED: Standing.DECLINED,
}


def has_provider() -> bool:
    """Whether charges are asked for at a payment provider."""
    return bool(settings().payment_gateway_url)


def standing(jobs: Sequence[Job]) -> dict[int, Asked]:
    """How each of these charges stands, by job id; in the drain's transaction.

    A charge that was asked for keeps its verdict when the provider is no longer set. Such a one has
    been parked, so this is not its first attempt; the others cost no query then.
    """
    default = Asked(Standing.NEW if has_provider() else Standing.FREE)
    ids = [job.id for job in jobs if has_provider() or job.attempts > 1]
    found = store.standing(ids) if ids else {}
    asked = {id_: Asked(_STANDING[status], reason) for id_, (status, reason) in found.items()}
    return {job.id: asked.get(job.id, default) for job in jobs}


def ask(jobs: Sequence[Job]) -> None:
    """Have these charges asked for, which the transaction parks."""
    if jobs:
        store.insert(jobs, parking.PARKED_HOLD_SECONDS)


def booked(jobs: Sequence[Job]) -> None:
    """These approved charges are booked in the open transaction, which must fail otherwise.

    Raises RuntimeError when one is not approved.
    """
    if jobs and store.booked([job.id for job in jobs]) != len(jobs):
        raise RuntimeError("a charge to be booked is not approved by the payment provider")


@lru_cache(maxsize=1)
def _nudger() -> Nudger:
    return Nudger(connect(settings().redis_url, ANSWER_SECONDS), channel=CHANNEL)


def nudge() -> None:
    """Tell the asker that there is something to ask. A hint: it looks twice a second anyway."""
    _nudger().nudge()


def let_go_overdue() -> int:
    """End the hold of charges that have held back the later ones of their user for long enough.

    They stay ``running`` and are asked for until their outcome is known. Returns how many.
    """
    with session():
        overdue = store.overdue(MOST_LET_GO)
    if not overdue:
        return 0

    def work() -> int:
        store.end_holds(overdue)
        return parking.let_go(overdue)

    count = run_transaction(work)
    if count:
        payments_let_go.inc(count)
        log.warning("charges of unknown outcome hold their user's jobs no longer", count=count)
    return count
