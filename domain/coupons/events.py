"""What the coupons tell others."""

from typing import Annotated, Any

from pydantic import Field

from domain.coupons.rules import DiscountType
from domain.kernel.money import MAX_AMOUNT
from domain.outbox.event_types import EventData, EventType, Id, Instant, Name
from domain.outbox.events import EXAMPLE_TRACE, Event


class CouponIssued(EventData):
    """A user got one of a coupon: the job's result, with the user."""

    user_coupon_id: Id
    coupon_id: Id
    user_id: Id
    name: Name
    discount_type: DiscountType
    discount_value: Annotated[
        int, Field(ge=1, le=MAX_AMOUNT, description="1 to 100 percent, or won")
    ]
    issued_at: Instant
    expires_at: Instant


def coupon_issued(result: dict[str, Any], user_id: int, traceparent: str | None) -> Event:
    """``coupon.issued``: the job's result with its user.

    Its aggregate is the user's coupon, so that a hot coupon spreads over the topic's partitions.
    """
    return Event(
        "userCoupon", result["userCouponId"], "coupon.issued", {**result, "userId": user_id},
        traceparent,
    )


COUPON_ISSUED = EventType(
    summary="A user got one of a coupon.",
    key="the id of the user's coupon",
    data=CouponIssued,
    example=coupon_issued(
        {
            "userCouponId": 31,
            "couponId": 7,
            "name": "Opening day",
            "discountType": "percentage",
            "discountValue": 20,
            "issuedAt": "2026-11-23T22:01:58.120Z",
            "expiresAt": "2026-12-31T15:00:00.000Z",
        },
        42,
        EXAMPLE_TRACE,
    ),
)
