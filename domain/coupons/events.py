"""What the coupons tell others."""

from typing import Any

from domain.outbox.events import Event


def coupon_issued(result: dict[str, Any], user_id: int, traceparent: str | None) -> Event:
    """``coupon.issued``: the job's result with its user.

    Its aggregate is the user's coupon, so that a hot coupon spreads over the topic's partitions.
    """
    return Event(
        "userCoupon", result["userCouponId"], "coupon.issued", {**result, "userId": user_id},
        traceparent,
    )
