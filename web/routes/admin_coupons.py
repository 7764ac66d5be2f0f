"""Coupons, as admins make and change them: done at once, in one transaction each."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.coupons import service
from domain.coupons.errors import CouponNotFound
from domain.coupons.rules import MAX_PERCENTAGE, MAX_QUANTITY
from domain.coupons.service import Discount, DiscountType, NewCoupon
from domain.kernel.clock import utc_naive
from domain.kernel.money import MAX_AMOUNT
from web.answering import created, key_claim
from web.api import slice_api
from web.auth import admin, principal
from web.describing import answers, creates
from web.routes.coupons import CouponPath
from web.schemas import Body, Name, example
from web.shapes import coupons as shapes

api = slice_api("admin coupons")


# Pydantic alone would also take numbers, and dates without a time.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _text(value: object) -> object:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError("date_time", "Input should be an RFC 3339 date-time")
    return value


def _storable(instant: datetime) -> datetime:
    """In UTC, to the millisecond, of a year that every zone and every database can spell."""
    if not 1970 <= instant.year <= 9000:
        raise PydanticCustomError("date_time", "The year should be 1970 to 9000")
    instant = utc_naive(instant)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


Instant = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_text), AfterValidator(_storable)
]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class CouponBody(Body):
    model_config = example(
        name="Drop day", discountType="fixed", discountValue=5_000, maxQuantity=1_000,
        minOrderAmount=10_000, startsAt="2026-11-24T09:00:00.000Z",
        expiresAt="2099-01-01T00:00:00.000Z",
        rules={
            "if": {"properties": {"discountType": {"const": "percentage"}}},
            "then": {"properties": {"discountValue": {"maximum": MAX_PERCENTAGE}}},
        },
    )

    name: Name
    discount_type: Annotated[DiscountType, Field(strict=False)]
    discount_value: Annotated[
        int, Field(ge=1, le=MAX_AMOUNT, description="1 to 100 percent, or won")
    ]
    max_quantity: Quantity
    min_order_amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Won")] = 0
    starts_at: Instant | None = Field(None, description="Absent: open at once")
    expires_at: Instant


class CouponChange(Body):
    """At least one field."""

    model_config = example(maxQuantity=2_000, rules={"minProperties": 1})

    # Made by a factory, a default is neither shown as one nor written: what was not sent stays.
    max_quantity: Quantity = Field(default_factory=int)
    paused: bool = Field(default_factory=bool)

    @model_validator(mode="after")
    def _something(self) -> "CouponChange":
        if not self.model_fields_set:
            raise PydanticCustomError("nothing", "Name at least one field to be changed.")
        return self


@api.post("/coupons", summary="Make a coupon")
@admin
@creates(shapes.Coupon)
def create_coupon(body: CouponBody) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Honours Idempotency-Key."""
    new = NewCoupon(
        name=body.name,
        discount=Discount(body.discount_type, body.discount_value),
        max_quantity=body.max_quantity,
        expires_at=body.expires_at,
        min_order_amount=body.min_order_amount,
        starts_at=body.starts_at,
    )
    answer = service.create(new, principal().user_id, key_claim())
    return created(answer, f"/api/coupons/{answer.body['couponId']}")


@api.patch("/coupons/<id:couponId>", summary="Change how many there are, or pause a coupon")
@admin
@answers(shapes.Coupon, CouponNotFound)
def change_coupon(path: CouponPath, body: CouponChange) -> dict[str, Any]:
    """More than issued opens a sold-out coupon again; fewer than issued is refused."""
    given = body.model_dump(exclude_unset=True)
    return service.change(
        path.coupon_id, given.get("max_quantity"), given.get("paused"), principal().user_id
    )
