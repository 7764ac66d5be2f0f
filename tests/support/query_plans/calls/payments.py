"""Calls of the stores of payments: what the provider is asked, and what it is compared by."""

from datetime import datetime
from uuid import UUID

from domain.jobs.kinds import Job
from domain.payments.comparison import Difference, Kind
from domain.payments.rules import Status
from domain.payments.store import Decided, Unknown
from tests.support.query_plans.big_shop import (
    FIRST_APPROVED,
    FIRST_PARKED,
    FIRST_REQUEST,
    FIRST_RUNNING,
    FIRST_UNRECONCILED,
    FIRST_VOIDING,
    MANY,
    NOW,
    OPEN_DIFFERENCES,
    PARKED,
    TOKEN,
)
from tests.support.query_plans.stores import Calls, calls_of, given, ids

PAGE = 500
"""Payments in one page of the provider's list."""
SINGLY = 100
GRACE = 300

_ASKING = ids(FIRST_PARKED, FIRST_RUNNING)
_OURS = ids(FIRST_PARKED, FIRST_PARKED + PARKED // 2)
_APPROVED = ids(FIRST_APPROVED, FIRST_VOIDING)
_LISTED = [UUID(int=id_) for id_ in ids(FIRST_UNRECONCILED + 50 - PAGE, FIRST_UNRECONCILED + 50)]
_OPEN = [f"p{n}" for n in range(MANY - OPEN_DIFFERENCES + 1, MANY + 1)]


def _job(id_: int, at: datetime = NOW) -> Job:
    return Job(id_, UUID(int=id_), "balance.charge", 1, "user:1", 0, {"amount": 5}, at, 1)


PAYMENTS: Calls = {
    **calls_of(
        "domain.payments.store",
        insert=[given([_job(id_) for id_ in ids(1_000_000, 1_000_128)], 28.0)],
        standing=[given(ids(FIRST_REQUEST, FIRST_REQUEST + 128))],
        booked=[given(_APPROVED)],
        due=[given(64)],
        claim=[given(bytes(16), _ASKING, 25.0)],
        decide=[given([Decided(id_, Status.APPROVED, None, "pay_1") for id_ in _ASKING])],
        again=[given(TOKEN, [Unknown(id_, "503", 2.0) for id_ in _OURS])],
        voided=[given(ids(FIRST_VOIDING, FIRST_PARKED))],
        release=[given(TOKEN, _OURS)],
        overdue=[given(PAGE)],
        end_holds=[given(_OURS)],
        approved_in_vain=[given(PAGE)],
        give_back=[given(_APPROVED)],
        waiting=[given(100_000)],
    ),
    **calls_of(
        "domain.payments.reconcile_store",
        held=[given(_LISTED, GRACE)],
        reconciled=[given(_LISTED)],
        unreconciled=[given(GRACE, SINGLY)],
        lingering=[given(GRACE, SINGLY)],
        last_movement=[given()],
        movements=[given(MANY // 2, PAGE, GRACE), given(0, PAGE, GRACE)],
        first_asked=[given()],
        keep=[given([Difference(f"q{n}", Kind.AMOUNT, "") for n in range(PAGE)])],
        known=[given(_OPEN)],
        touch=[given(_OPEN)],
        close=[given([*_OPEN, *(f"q{n}" for n in range(PAGE))])],
        accept=[given(_OPEN[0], "done")],
        open_differences=[given(SINGLY)],
        count_open=[given()],
        marks=[given()],
        remember=[given({"since": ""})],
    ),
}
