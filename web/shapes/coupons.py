"""Coupons, and those that users hold, as they are shown."""

from typing import Annotated

from pydantic import Field

from domain.coupons.service import DiscountType, HoldingStatus
from web.schemas import Id, Shape
from web.shapes.basics import Count, NextCursor, Timestamp, Won, absent, example

DiscountValue = Annotated[int, Field(ge=1, description="1 to 100 percent, or won")]

_COUPON = {
    "couponId": 1, "name": "Drop day", "discountType": "fixed", "discountValue": 5_000,
    "minOrderAmount": 10_000, "maxQuantity": 1_000, "issuedQuantity": 1,
    "remainingQuantity": 999, "startsAt": "2026-11-24T09:00:00.000Z",
    "expiresAt": "2099-01-01T00:00:00.000Z",
}
ISSUED = {
    "userCouponId": 12, "couponId": 1, "name": "Drop day", "discountType": "fixed",
    "discountValue": 5_000, "issuedAt": "2026-11-24T09:00:00.000Z",
    "expiresAt": "2099-01-01T00:00:00.000Z",
}
_HELD = {**ISSUED, "status": "used", "usedAt": "2026-11-24T09:05:00.000Z"}


class Coupon(Shape):
    model_config = example(**_COUPON)

    coupon_id: Id
    name: str
    discount_type: DiscountType
    discount_value: DiscountValue
    min_order_amount: Won
    max_quantity: Annotated[int, Field(ge=1)]
    issued_quantity: Count
    remaining_quantity: Count
    starts_at: Timestamp = absent(description="Absent: open from the beginning")
    expires_at: Timestamp


class CouponList(Shape):
    model_config = example(coupons=[_COUPON], nextCursor=None)

    coupons: list[Coupon]
    next_cursor: NextCursor


class IssuedCoupon(Shape):
    model_config = example(**ISSUED)

    user_coupon_id: Id
    coupon_id: Id
    name: str
    discount_type: DiscountType
    discount_value: DiscountValue
    issued_at: Timestamp
    expires_at: Timestamp


class UserCoupon(IssuedCoupon):
    model_config = example(**_HELD)

    status: HoldingStatus
    used_at: Timestamp = absent()


class UserCouponList(Shape):
    model_config = example(coupons=[_HELD], nextCursor=None)

    coupons: list[UserCoupon]
    next_cursor: NextCursor


class CouponValidation(Shape):
    model_config = example(
        valid=True, discountAmount=5_000, finalAmount=113_000,
        message="The coupon takes off 5000 won.",
    )

    valid: bool
    discount_amount: Won
    final_amount: Won
    message: str
