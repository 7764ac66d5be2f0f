"""Things that are there, for made-up requests to hit: each request is given ids of its own kind."""

from collections.abc import Callable
from typing import Any

from schemathesis import Case

from tests.support.fleet import Fleet
from tests.support.jobs_in_between import failed_job, queued_job

QUANTITY_IN_STOCK = 10**8


class FuzzedShop:
    """A user who has one of everything, and the ids of it."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._api = fleet, fleet.api
        api = fleet.api
        self.user = api.new_user(10**12)
        self.product = api.new_product(QUANTITY_IN_STOCK)
        self._coupon = api.new_coupon(10**6)
        issued = api.ended(api.issue(self.user, self._coupon), self.user)
        self._user_coupon = issued["result"]["userCouponId"]
        self._order = self._new_order()
        self._job = api.charge(self.user, 1).body["jobId"]
        events = api.call("GET", "/api/admin/outbox", user=1, admin=True).body["events"]
        self._event = events[0]["id"]

    def put_real(self, case: Case) -> None:
        """Replace what a request names by what there is, and what would refuse it by what goes."""
        label = case.operation.label
        ids: dict[str, Callable[[], Any]] = {
            "userId": lambda: self.user, "productId": lambda: self.product,
            "couponId": lambda: self._coupon_for(label), "userCouponId": lambda: self._user_coupon,
            "orderId": lambda: self._order_for(label), "jobId": lambda: self._job_for(label),
            "eventId": lambda: self._event, "itemId": self._new_item,
            "name": lambda: "read-only",
        }
        for name in case.path_parameters or {}:
            case.path_parameters[name] = ids[name]()
        query = case.query or {}
        if "userId" in query:
            query["userId"] = self.user
        query.pop("cursor", None)
        self._put_into_body(case, label)
        if "Prefer" in {one.name for one in case.operation.headers}:
            case.headers["Prefer"] = "wait=10"
            case.headers.pop("Idempotency-Key", None)

    def _put_into_body(self, case: Case, label: str) -> None:
        if label == "POST /api/orders":
            self._new_item()
            case.body = {}
        elif label == "POST /api/coupons":
            case.body.pop("startsAt", None)
            case.body["expiresAt"] = "2099-01-01T00:00:00Z"
        elif isinstance(case.body, dict):
            for name, real in (("productId", self.product), ("couponId", self._coupon)):
                if name in case.body:
                    case.body[name] = real

    def _new_item(self) -> int:
        self._api.call("DELETE", "/api/cart", user=self.user)
        return self._api.put_in_cart(self.user, self.product)

    def _new_order(self) -> int:
        self._new_item()
        placed = self._api.order(self.user, prefer="wait=20")
        assert placed.status == 201, placed
        return int(placed.body["orderId"])

    def _coupon_for(self, label: str) -> int:
        """A coupon that nobody has yet, where one is to be issued or changed."""
        return self._coupon if label.startswith("GET") else self._api.new_coupon(10)

    def _job_for(self, label: str) -> str:
        """A job of somebody else's key, which the user or an admin asked for."""
        if label.endswith("/cancel"):
            return str(queued_job(self._fleet, self._api.new_user(), self.user))
        if label.endswith("/retry"):
            return str(failed_job(self._fleet, self._api.new_user(), self.user))
        return str(self._job)

    def _order_for(self, label: str) -> int:
        return self._new_order() if label.endswith("/cancel") else self._order
