"""Orders: placed from the cart, cancelled, and seen."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from domain.catalog.errors import NotEnoughStock, ProductNotFound, TooManyForUser
from domain.coupons.errors import BelowMinimum, CouponExpired, CouponNotFound, CouponUsed
from domain.kernel.money import MAX_BALANCE
from domain.orders import cancel, place, service
from domain.orders.errors import CartEmpty, Changed, NotCancellable
from domain.orders.service import Order, OrderNotFound, OrderStatus
from domain.wallet.errors import BalanceTooLow, UserNotFound
from web.accepting import accept, idempotency_claims, traceparent
from web.api import slice_api
from web.auth import may_reach, principal, subject, user
from web.describing import accepts, answers, pages
from web.paging import Answer, Listing, numbered
from web.schemas import Body, Id, Limit, NoBody, Path, Query, example
from web.shapes import orders as shapes

api = slice_api("orders")

LISTING = Listing("orders")

MAX_PAGE = 1_000_000


class OrderPath(Path):
    order_id: Id


class WhoseOrder(Query):
    user_id: Id | None = Field(None, description="For admins: whose cart")


class OrderBody(Body):
    model_config = example(couponId=1, expectedTotal=118_000)

    coupon_id: Id | None = Field(None, description="A coupon of the user, used up by the order")
    expected_total: Annotated[int, Field(ge=0, le=MAX_BALANCE)] | None = Field(
        None, description="Won, before the discount; another total is refused"
    )


class OrderList(Query):
    status: OrderStatus | None = None
    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1
    limit: Limit = 10
    cursor: str | None = Field(
        None, description="As Link has it: without the orders made since the first page was asked"
    )
    user_id: Id | None = Field(None, description="For admins: whose orders")


def _reachable(order_id: int) -> Order:
    """The order, if it is the caller's: somebody else's does not exist for them."""
    order = service.find(order_id)
    if not may_reach(order.user_id):
        raise OrderNotFound
    return order


@api.post("/orders", summary="Buy the cart")
@user
@accepts(
    place.KIND, shapes.Order, CartEmpty, Changed, NotEnoughStock, TooManyForUser, ProductNotFound,
    BalanceTooLow, CouponNotFound, CouponExpired, CouponUsed, BelowMinimum, UserNotFound,
)
def place_order(query: WhoseOrder, body: OrderBody) -> Response:
    """The cart as it stands now, bought by a worker; changed before that, it is not bought."""
    caller = principal().user_id
    command = place.command(
        subject(query.user_id), caller, body.coupon_id, body.expected_total,
        idempotency_claims(caller), traceparent(),
    )
    return accept(command)


@api.post("/orders/<id:orderId>/cancel", summary="Cancel an order")
@user
@accepts(cancel.KIND, shapes.Order, OrderNotFound, NotCancellable)
def cancel_order(path: OrderPath, body: NoBody) -> Response:  # noqa: ARG001
    """Stock, money and coupon are given back by a worker, once."""
    caller, owner = principal().user_id, service.owner_of(path.order_id)
    if not may_reach(owner):
        raise OrderNotFound
    return accept(
        cancel.command(owner, caller, path.order_id, idempotency_claims(caller), traceparent())
    )


@api.get("/orders", summary="A user's orders, newest first")
@user
@pages(shapes.OrderList)
def list_orders(query: OrderList) -> Answer:
    """Link leads to the other pages of the list as it was at its first one, however many orders
    are made meanwhile."""
    owner, newest = subject(query.user_id), LISTING.before(query.cursor)
    found, count, top = service.page_of(owner, query.status, query.page, query.limit, newest)
    pages = -(-count // query.limit)
    body = {
        "orders": found,
        "pagination": {"currentPage": query.page, "totalPages": pages, "totalCount": count},
    }
    cursor = LISTING.cursor(top) if top is not None else None
    return body, 200, numbered(query.page, pages, cursor=cursor)


@api.get("/orders/<id:orderId>", summary="One order")
@user
@answers(shapes.Order, OrderNotFound)
def get_order(path: OrderPath) -> dict[str, Any]:
    """Names and prices as they were at the order."""
    return service.represent(_reachable(path.order_id))
