"""Those who race: what they begin with, what they ask for, and what they have afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.api import Api
from tests.support.chaos.rounds import End, ask


@dataclass(frozen=True)
class Shopper:
    """A user with money and a cart of one piece at 1000 won, and what else the race is about."""

    user: int
    product: int
    coupon: int = 0
    order: int = 0


def given_shopper(api: Api, *, balance: int = 1000, stock: int = 5) -> Shopper:
    shopper = Shopper(api.new_user(balance), api.new_product(stock))
    api.put_in_cart(shopper.user, shopper.product)
    return shopper


def given_order(api: Api, *, stock: int = 1) -> Shopper:
    """Somebody who has bought one piece, with a coupon that takes off 100 won."""
    shopper, coupon = given_shopper(api, stock=stock), api.new_coupon(1)
    assert api.ended(api.issue(shopper.user, coupon), shopper.user)["status"] == "succeeded"
    bought = api.ended(api.order(shopper.user, {"couponId": coupon}), shopper.user)
    return Shopper(shopper.user, shopper.product, coupon, bought["result"]["orderId"])


def order(api: Api, user: int, body: object = None) -> End:
    return ask(api, user, "POST", "/api/orders", body)


def cancel(api: Api, shopper: Shopper, *, by_admin: bool = False) -> End:
    user = 1 if by_admin else shopper.user
    return ask(api, user, "POST", f"/api/orders/{shopper.order}/cancel", admin=by_admin)


def restock(api: Api, product: int, quantity: int, **headers: str) -> End:
    path = f"/api/products/{product}/restock"
    return ask(api, 1, "POST", path, {"quantity": quantity}, admin=True, **headers)


def charge(api: Api, user: int, amount: int, transaction: str | None = None, **more: str) -> End:
    body = {"amount": amount, **({"transactionId": transaction} if transaction else {})}
    return ask(api, user, "POST", f"/api/users/{user}/balance/charge", body, **more)


def stock_of(api: Api, product: int) -> int:
    return int(api.call("GET", f"/api/products/{product}/stock").body["stock"])


def coupons_of(api: Api, user: int, status: str) -> list[int]:
    found = api.call("GET", f"/api/users/{user}/coupons?status={status}", user=user).body
    return [one["couponId"] for one in found["coupons"]]


def movements(api: Api, user: int, kind: str) -> list[int]:
    """The amounts of a user's history of this kind, newest first."""
    found = api.call("GET", f"/api/users/{user}/balance/history", user=user).body["history"]
    return [row["amount"] for row in found if row["kind"] == kind]


def winner_among(ends: Sequence[End], *refusals: str) -> int:
    """The place of the one that won; all others were refused, and by one of these codes."""
    [winner] = [place for place, end in enumerate(ends) if end.won]
    assert {end.code for end in ends if not end.won} <= set(refusals), ends
    return winner
