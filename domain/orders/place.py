"""The job ``order.place``: a user's cart, bought.

Acceptance notes the cart's version; at work the cart must still have it. Rows are locked in the one
global order, each table's by id in one statement:

    users → carts → orders → user_coupons → coupons → coupon_gates → products

Orders belong to one user each and are touched under that user's lock only; here they are new.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from domain.cart import checkout
from domain.catalog import stock
from domain.coupons import redemption
from domain.jobs.keys import user_key
from domain.jobs.kinds import (
    Admission,
    Claim,
    Command,
    Job,
    JobKind,
    Lane,
    Outcome,
    Refused,
    Succeeded,
)
from domain.kernel.errors import DomainError
from domain.orders import store
from domain.orders.errors import Changed
from domain.orders.events import order_completed
from domain.orders.order import Order, represent
from domain.orders.rules import Counter, Purchase, Wish
from domain.outbox.append import append
from domain.wallet import service as wallet

NAME = "order.place"


def command(
    user_id: int,
    caller_id: int,
    coupon_id: int | None = None,
    expected_total: int | None = None,
    claims: tuple[Claim, ...] = (),
    traceparent: str | None = None,
) -> Command:
    """Ask to buy the user's cart; ``expected_total`` in won, before the discount."""
    payload = {"couponId": coupon_id, "expectedTotal": expected_total}
    return Command(NAME, user_id, caller_id, user_key(user_id), payload, claims, traceparent)


def admit(
    commands: Sequence[Command], _: Callable[[], datetime]
) -> Sequence[Admission | DomainError]:
    """Let every order in, with the version that its cart has now: one read for all of them."""
    versions = checkout.versions(command.user_id for command in commands)
    return [
        Admission(payload={"cartVersion": versions[command.user_id]}) for command in commands
    ]


def recheck(command: Command, at: datetime) -> DomainError | None:
    """An order that is done again still buys the cart that it was asked for, with its coupon.

    A cart that was changed since will never again be what it was.
    """
    versions = checkout.versions([command.user_id])
    if versions[command.user_id] != command.payload["cartVersion"]:
        return Changed("The cart was changed since the order was accepted.")
    coupon_id = command.payload.get("couponId")
    return redemption.against(command.user_id, coupon_id, at) if coupon_id else None


def place(jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Buy each job's cart, in order; a job that the rules refuse leaves the others be."""
    counter = _gather(jobs)
    outcomes: dict[int, Outcome] = {}
    purchases: list[Purchase] = []
    for job in jobs:
        try:
            purchase = counter.decide(_wish(job))
        except DomainError as refusal:
            outcomes[job.id] = Refused(refusal)
        else:
            counter.apply(purchase)
            purchases.append(purchase)
    if purchases:
        orders = _write(counter, purchases)
        placed = [(job, orders[job.id]) for job in jobs if job.id in orders]
        append([order_completed(order, job.traceparent) for job, order in placed])
        outcomes.update({job.id: Succeeded(represent(order)) for job, order in placed})
    return [outcomes[job.id] for job in jobs]


def _wish(job: Job) -> Wish:
    return Wish(
        job_id=job.id,
        user_id=job.user_id,
        cart_version=job.payload["cartVersion"],
        accepted_at=job.accepted_at,
        coupon_id=job.payload.get("couponId"),
        expected_total=job.payload.get("expectedTotal"),
    )


def _gather(jobs: Sequence[Job]) -> Counter:
    """Lock and read what the jobs depend on, the products last."""
    accounts = wallet.lock(job.user_id for job in jobs)
    baskets = checkout.lock(job.user_id for job in jobs)
    coupons = redemption.lock(
        {(job.user_id, job.payload["couponId"]) for job in jobs if job.payload.get("couponId")}
    )
    lines = [(user_id, line) for user_id, basket in baskets.items() for line in basket.lines]
    shelves = stock.lock(line.product_id for _, line in lines)
    limited = {
        (user_id, line.product_id)
        for user_id, line in lines
        if line.product_id in shelves and shelves[line.product_id].max_per_user is not None
    }
    return Counter(accounts, baskets, shelves, coupons, store.bought_before(limited))


def _write(counter: Counter, purchases: Sequence[Purchase]) -> Mapping[int, Order]:
    """Write everything that the purchases moved, a few statements for all of them; the orders by
    their jobs."""
    orders = store.insert(purchases)
    at = next(iter(orders.values())).created_at
    sold = [
        stock.Movement(line.product_id, -line.quantity, order.id)
        for order in orders.values()
        for line in order.lines
    ]
    references = {job_id: str(order.id) for job_id, order in orders.items()}
    uses = [
        (order.user_coupon_id, order.id)
        for order in orders.values()
        if order.user_coupon_id is not None
    ]
    wallet.book(counter.accounts.values(), at, references)
    checkout.write(counter.baskets.values())
    redemption.use(uses, at)
    stock.write(counter.shelves.values(), sold, stock.Reason.ORDER, at)
    return orders


KIND = JobKind(
    name=NAME,
    lane=Lane.USERS,
    handler=place,
    location=lambda _, result: f"/api/orders/{result['orderId']}",
    creates=True,
    admit=admit,
    recheck=recheck,
)
