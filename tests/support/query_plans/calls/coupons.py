"""Calls of the stores of the coupons."""

from datetime import datetime, timedelta
from uuid import UUID

from domain.coupons.rules import Discount, DiscountType, HoldingStatus, NewCoupon, Supply
from domain.jobs.kinds import Job
from tests.support.query_plans.big_shop import (
    COUPON_QUANTITY,
    COUPONS_ISSUED,
    FIRST_HELD_BY_REGULAR,
    FIRST_OPEN_COUPON,
    FIRST_USED,
    HOT_COUPON,
    NOW,
    REGULAR,
    coupon_expiry,
)
from tests.support.query_plans.stores import Calls, calls_of, given, ids

_DISCOUNT = Discount(DiscountType.FIXED, 1_000)
_HOLDERS = ids(2, 258, 2)
_STRANGERS = ids(3, 259, 2)
_SEVERAL = ids(HOT_COUPON - 9, HOT_COUPON + 1)
_UNUSED = ids(1, 129)
_EXPIRY: datetime = coupon_expiry(HOT_COUPON)


def _job(user_id: int) -> Job:
    return Job(
        id=1_000_000 + user_id, uuid=UUID(int=1_000_000 + user_id), kind="coupon.issue",
        user_id=user_id, concurrency_key=f"coupon:{HOT_COUPON}", seq=user_id, payload={},
        accepted_at=NOW, attempts=1,
    )


def _supply(coupon_id: int) -> Supply:
    """A coupon of which one has just been issued."""
    supply = Supply(
        coupon_id, "Coupon", _DISCOUNT, COUPON_QUANTITY, COUPONS_ISSUED, coupon_expiry(coupon_id)
    )
    supply.issue(1_000_000)
    return supply


COUPONS: Calls = {
    **calls_of(
        "domain.coupons.store",
        issuable=[
            given(None, NOW, 21),
            given((coupon_expiry(FIRST_OPEN_COUPON + 50), FIRST_OPEN_COUPON + 50), NOW, 21),
        ],
        find=[given(HOT_COUPON)],
        lock=[given(HOT_COUPON)],
        insert=[given(NewCoupon("New", _DISCOUNT, 100, NOW + timedelta(days=1)))],
        set_max_quantity=[given(HOT_COUPON, COUPON_QUANTITY + 1)],
        held_by=[
            given(_HOLDERS[0], None, NOW, None, 21),
            *(
                given(REGULAR, status, NOW, before, 21)
                for status in (None, *HoldingStatus)
                for before in (None, FIRST_HELD_BY_REGULAR + 300)
            ),
        ],
        holding=[given(FIRST_HELD_BY_REGULAR)],
    ),
    **calls_of(
        "domain.coupons.gate_store",
        advance=[given(HOT_COUPON, 64, NOW)],
        find=[given(HOT_COUPON)],
        insert=[given(1_000_000, None, _EXPIRY)],
        close=[given([HOT_COUPON]), given([id_ for id_ in _SEVERAL if id_ % 3 != 1])],
        change=[given(HOT_COUPON, True, None)],
    ),
    **calls_of(
        "domain.coupons.issue_store",
        lock_supplies=[given({HOT_COUPON}), given(set(_SEVERAL))],
        holders=[given([(HOT_COUPON, user_id) for user_id in _HOLDERS])],
        insert=[given([(_job(user_id), _supply(HOT_COUPON)) for user_id in _STRANGERS])],
        write_counts=[given([_supply(HOT_COUPON)]), given([_supply(id_) for id_ in _SEVERAL])],
    ),
    **calls_of(
        "domain.coupons.redemption_store",
        find=[
            given([(HOT_COUPON, _HOLDERS[0])]),
            given([(HOT_COUPON, user_id) for user_id in _HOLDERS]),
        ],
        lock=[given(_UNUSED)],
        use=[given([(id_, 1_000_000 + id_) for id_ in _UNUSED], NOW)],
        give_back=[given([(FIRST_USED + n, 1 + n) for n in range(128)])],
    ),
}
