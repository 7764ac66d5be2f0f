"""Coupons: seen by everybody, issued to users, and held by them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from flask import Response
from pydantic import Field

from domain.coupons import issue, service
from domain.coupons.errors import (
    AlreadyIssued,
    CouponExpired,
    CouponNotFound,
    NotOpenYet,
    SoldOut,
)
from domain.coupons.service import Coupon, HoldingStatus
from domain.kernel.errors import NotAllowed
from domain.kernel.money import MAX_BALANCE
from domain.wallet.errors import UserNotFound
from web.accepting import accept, idempotency_claims, traceparent
from web.api import public_api, slice_api
from web.auth import may_reach, principal, public, require_user, subject, user
from web.describing import accepts, answers, pages
from web.paging import Answer, Listing
from web.problems import invalid
from web.read_only import allowed_in_read_only
from web.schemas import Body, Id, Limit, NoBody, Path, Query, example
from web.shapes import coupons as shapes

listing = public_api("coupons")
api = slice_api("users' coupons")

LISTING = Listing("coupons", (int, int))
HELD = Listing("users' coupons")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CouponPath(Path):
    coupon_id: Id


class UserPath(Path):
    user_id: Id


class UserCouponPath(Path):
    user_coupon_id: Id


class WhoseCoupon(Query):
    user_id: Id | None = Field(None, description="For admins: for whom")


class CouponList(Query):
    limit: Limit = 100
    cursor: str | None = None


class UserCouponList(Query):
    status: HoldingStatus | None = None
    limit: Limit = 100
    cursor: str | None = None


class ValidationBody(Body):
    model_config = example(couponId=1, orderAmount=118_000)

    coupon_id: Id
    order_amount: Annotated[int, Field(ge=0, le=MAX_BALANCE, description="Won")]


def _place(coupon: Coupon) -> tuple[int, int]:
    milliseconds = (coupon.expires_at.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
    return milliseconds, coupon.id


def _position(cursor: str | None) -> tuple[datetime, int] | None:
    """Where the page before ended: (expires_at, id)."""
    found = LISTING.place(cursor)
    if found is None:
        return None
    try:
        expires_at = EPOCH + timedelta(milliseconds=int(found[0]))
    except OverflowError:
        raise invalid("This cursor was not made here.", "/cursor") from None
    return expires_at.replace(tzinfo=None), int(found[1])


@listing.get("/coupons", summary="Coupons that can be had now or soon")
@public
@pages(shapes.CouponList)
def list_coupons(query: CouponList) -> Answer:
    """Those that expire first come first."""
    found = service.issuable(_position(query.cursor), query.limit + 1)
    return LISTING.answer(
        "coupons", found, query.limit, _place,
        lambda page: [service.represent(coupon) for coupon in page],
    )


@listing.get("/coupons/<id:couponId>", summary="One coupon")
@public
@answers(shapes.Coupon, CouponNotFound)
def get_coupon(path: CouponPath) -> dict[str, Any]:
    return service.represent(service.coupon(path.coupon_id))


@api.post("/coupons/<id:couponId>/issue", summary="Get one of a coupon")
@user
@accepts(
    issue.KIND, shapes.IssuedCoupon, CouponNotFound, SoldOut, NotOpenYet, CouponExpired,
    AlreadyIssued, UserNotFound,
)
def issue_coupon(path: CouponPath, query: WhoseCoupon, body: NoBody) -> Response:  # noqa: ARG001
    """First come, first served: accepted in an order that the winners follow exactly."""
    caller = principal().user_id
    command = issue.command(
        subject(query.user_id), caller, path.coupon_id, idempotency_claims(caller), traceparent()
    )
    return accept(command)


@api.post("/coupons/validate", summary="What a coupon of the caller would take off")
@user
@allowed_in_read_only
@answers(shapes.CouponValidation, CouponNotFound)
def validate_coupon(body: ValidationBody, query: WhoseCoupon) -> dict[str, Any]:
    return service.validate(subject(query.user_id), body.coupon_id, body.order_amount)


@api.get("/users/<id:userId>/coupons", summary="A user's coupons, newest first")
@user
@pages(shapes.UserCouponList, NotAllowed, UserNotFound)
def list_user_coupons(path: UserPath, query: UserCouponList) -> Answer:
    require_user(path.user_id)
    before = HELD.before(query.cursor)
    found = service.held_by(path.user_id, query.status, before, query.limit + 1)
    return HELD.answer("coupons", found, query.limit, lambda held: (held["userCouponId"],))


@api.get("/user-coupons/<id:userCouponId>", summary="One coupon of a user")
@user
@answers(shapes.UserCoupon, CouponNotFound)
def get_user_coupon(path: UserCouponPath) -> dict[str, Any]:
    """Somebody else's does not exist."""
    owner, shown = service.owner_and_holding(path.user_coupon_id)
    if not may_reach(owner):
        raise CouponNotFound
    return shown
