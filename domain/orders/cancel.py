"""The job ``order.cancel``: what an order took is given back, once.

It is a job of the order's owner, whoever asks for it, and takes the row locks of ``place`` in the
same order, without the cart's: users → orders → user_coupons → products.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from domain.catalog import stock
from domain.coupons import redemption
from domain.jobs.keys import user_key
from domain.jobs.kinds import Claim, Command, Job, JobKind, Lane, Outcome, Refused, Succeeded
from domain.kernel.errors import DomainError
from domain.orders import cancel_store, read_store
from domain.orders.errors import NotCancellable, OrderNotFound
from domain.orders.events import order_cancelled
from domain.orders.order import Order, OrderStatus, represent
from domain.outbox.append import append
from domain.wallet import service as wallet
from domain.wallet.service import Account
from infra.database import now

NAME = "order.cancel"


def command(
    owner_id: int,
    caller_id: int,
    order_id: int,
    claims: tuple[Claim, ...] = (),
    traceparent: str | None = None,
) -> Command:
    """Ask to cancel an order of ``owner_id``."""
    return Command(
        NAME, owner_id, caller_id, user_key(owner_id), {"orderId": order_id}, claims, traceparent
    )


def recheck(command: Command, _: datetime) -> DomainError | None:
    """An order that was cancelled meanwhile cannot be cancelled again."""
    order = read_store.find(command.payload["orderId"])
    if order is None:
        return OrderNotFound()
    if order.status != OrderStatus.COMPLETED:
        return NotCancellable(f"The order is {order.status}.")
    return None


def cancel(jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Cancel each job's order, in order; one that the rules refuse leaves the others be."""
    accounts = wallet.lock(job.user_id for job in jobs)
    orders = read_store.lock({job.payload["orderId"] for job in jobs})
    outcomes: dict[int, Outcome] = {}
    cancelled: list[tuple[Job, Order]] = []
    for job in jobs:
        try:
            order = _decide(job, orders)
        except DomainError as refusal:
            outcomes[job.id] = Refused(refusal)
        else:
            accounts[order.user_id].refund(order.final, order.id, job.id)
            orders[order.id] = replace(order, status=OrderStatus.CANCELLED)
            cancelled.append((job, orders[order.id]))
            outcomes[job.id] = Succeeded(represent(orders[order.id]))
    if cancelled:
        _give_back(cancelled, accounts.values())
    return [outcomes[job.id] for job in jobs]


def _decide(job: Job, orders: dict[int, Order]) -> Order:
    """The order that the job may cancel. Raises what stands against it."""
    order = orders.get(job.payload["orderId"])
    if order is None or order.user_id != job.user_id:
        raise OrderNotFound
    if order.status != OrderStatus.COMPLETED:
        raise NotCancellable(f"The order is {order.status}.")
    return order


def _give_back(cancelled: Sequence[tuple[Job, Order]], accounts: Iterable[Account]) -> None:
    """Write everything that goes back: a few statements for all of the orders."""
    orders = [order for _, order in cancelled]
    uses = [(one.user_coupon_id, one.id) for one in orders if one.user_coupon_id is not None]
    redemption.lock_used([user_coupon_id for user_coupon_id, _ in uses])
    shelves = stock.lock(line.product_id for order in orders for line in order.lines)
    for order in orders:
        for line in order.lines:
            shelves[line.product_id].put_back(line.quantity)
    at = now()
    cancel_store.cancel([(order.id, job.id) for job, order in cancelled], at)
    cancel_store.refund([order.id for order in orders], at)
    wallet.book(accounts, at, {})
    redemption.give_back(uses)
    returned = [
        stock.Movement(line.product_id, line.quantity, order.id)
        for order in orders
        for line in order.lines
    ]
    stock.write(shelves.values(), returned, stock.Reason.CANCEL, at)
    append([order_cancelled(order, job.traceparent) for job, order in cancelled])


KIND = JobKind(
    name=NAME,
    lane=Lane.USERS,
    handler=cancel,
    location=lambda _, result: f"/api/orders/{result['orderId']}",
    recheck=recheck,
)
