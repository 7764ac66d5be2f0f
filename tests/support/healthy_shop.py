"""Given: a small shop in which every invariant holds, written row by row.

Not by the services: what audit is tested against must not share their mistakes. Two users of the
demo shop have charged, ordered, cancelled and got coupons; some jobs are under way; the events are
in Kafka, and the ranking is built.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from commands.seeding import Plan, seed, seed_demo
from domain.kernel.ids import uuid7
from domain.outbox.events import shard_of
from domain.ranking import service as ranking
from infra.database import execute, now, rows, session
from tests.support.topics import publish_all

SOLD_OUT, REOPENED = 5, 6
"""Coupons of two. Both of the first are issued: to user 1, who used it, and to user 2, who got it
back. Of the other one there was only one at first."""


def make_healthy_shop() -> None:
    """Fill the empty tables, Kafka and Redis."""
    seed_demo()
    seed(Plan(users=3, products=4, orders=20, coupon_quantity=5), lambda *_: lambda _: None)
    with session():
        at = now() - timedelta(minutes=5)
        _charge(1, 50_000, 1_000_000, "tx-1", at)
        _charge(1, 7_000, 1_050_000, None, at)
        _issue_coupons(at)
        _issue_coupons_in_two_goes(at)
        _first_order(at)
        _second_order_and_its_cancel(at)
        _restock(12, 30, at)
        _refusals_and_what_is_under_way(at)
        _payments(at)
    publish_all()
    ranking.rebuild()


def job(kind: str, user_id: int, status: str, at: datetime, **columns: Any) -> tuple[int, UUID]:
    """A job row as it looks in ``status``; its id and UUID."""
    uuid = uuid7()
    key = columns.pop("key", f"user:{user_id}")
    ended = status not in ("queued", "running")
    lane = "coupons" if kind == "coupon.issue" else "users"
    values = {
        "uuid": uuid.bytes, "kind": kind, "user_id": user_id, "caller_id": user_id,
        "concurrency_key": key, "queue_lane": None if ended else lane,
        "queue_key": None if ended else key, "status": status, "payload": "{}",
        "accepted_at": at, "started_at": at if status in ("succeeded", "failed") else None,
        "finished_at": at + timedelta(seconds=1) if ended else None,
        **columns,
    }
    return _insert("jobs", **values), uuid


def finish(job_id: int, result: dict[str, Any]) -> None:
    execute("UPDATE jobs SET result = %s WHERE id = %s", (orjson.dumps(result).decode(), job_id))


def event(kind: str, aggregate: str, aggregate_id: int, payload: dict[str, Any]) -> None:
    """An event that waits to be published."""
    _insert(
        "outbox_events", event_id=uuid7().bytes, aggregatetype=aggregate, aggregateid=aggregate_id,
        type=kind, payload=orjson.dumps({"schemaVersion": 1, **payload}).decode(),
        pending_shard=shard_of(aggregate, aggregate_id), created_at=now(),
    )


def _insert(table: str, **values: Any) -> int:
    names = ", ".join(values)
    cursor = execute(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(values))})",
        list(values.values()),
    )
    return int(cursor.lastrowid)


def _move(
    user_id: int, kind: str, amount: int, previous: int, job_id: int, reference: str | None
) -> None:
    _insert(
        "balance_history", user_id=user_id, kind=kind, amount=amount, previous_balance=previous,
        current_balance=previous + amount, reference=reference, job_id=job_id,
    )
    execute("UPDATE users SET balance = balance + %s WHERE id = %s", (amount, user_id))


def _charge(
    user_id: int, amount: int, previous: int, transaction_id: str | None, at: datetime
) -> None:
    claim = transaction_id.encode().ljust(32, b"-") if transaction_id else None
    job_id, uuid = job("balance.charge", user_id, "succeeded", at, claim_hash=claim)
    _move(user_id, "charge", amount, previous, job_id, transaction_id)
    result = {
        "userId": user_id, "previousBalance": previous, "chargedAmount": amount,
        "currentBalance": previous + amount,
    }
    finish(job_id, result)
    event("balance.charged", "wallet", user_id, result)
    key = claim or uuid.bytes * 2
    expires = None if claim else at + timedelta(days=30)
    _insert("idempotency_keys", hash=key, job_uuid=uuid.bytes, body_hash=key, expires_at=expires)


def _issue_coupons(at: datetime) -> None:
    """Users 1 and 2 win, 3 is cancelled before its turn, 4 and 5 come too late."""
    expires = at + timedelta(days=9)
    _insert(
        "coupons", id=SOLD_OUT, name="Two", discount_type="percentage", discount_value=33,
        max_quantity=2, issued_quantity=2, expires_at=expires,
    )
    _insert(
        "coupon_gates", coupon_id=SOLD_OUT, next_seq=5, sold_out=1, expires_at=expires,
    )
    key = f"coupon:{SOLD_OUT}"
    for seq, user_id in ((1, 1), (3, 2)):
        _win(SOLD_OUT, user_id, seq, at, expires)
    job("coupon.issue", 3, "cancelled", at, key=key, seq=2)
    for seq, user_id in ((4, 4), (5, 5)):
        job("coupon.issue", user_id, "failed", at, key=key, seq=seq, error='{"code":"C001"}')


def _issue_coupons_in_two_goes(at: datetime) -> None:
    """One for user 1, none for user 2; an admin adds one, which user 3 gets."""
    expires = at + timedelta(days=9)
    _insert(
        "coupons", id=REOPENED, name="One, and one more", discount_type="fixed",
        discount_value=500, max_quantity=2, issued_quantity=2, expires_at=expires,
    )
    _insert("coupon_gates", coupon_id=REOPENED, next_seq=3, sold_out=1, expires_at=expires)
    _win(REOPENED, 1, 1, at, expires)
    job("coupon.issue", 2, "failed", at, key="coupon:6", seq=2, error='{"code":"C001"}')
    _insert(
        "admin_audit", admin_id=9, action="coupon.change", target="coupon:6",
        detail='{"asked":{"maxQuantity":2,"paused":null},"before":{"maxQuantity":1}}',
        created_at=at + timedelta(seconds=2),
    )
    _win(REOPENED, 3, 3, at + timedelta(seconds=3), expires)


def _win(coupon_id: int, user_id: int, seq: int, at: datetime, expires: datetime) -> None:
    job_id, _ = job("coupon.issue", user_id, "succeeded", at, key=f"coupon:{coupon_id}", seq=seq)
    held = _insert(
        "user_coupons", coupon_id=coupon_id, user_id=user_id, job_id=job_id, seq=seq,
        issued_at=at, expires_at=expires,
    )
    finish(job_id, {"userCouponId": held, "couponId": coupon_id})
    event("coupon.issued", "userCoupon", held, {"userCouponId": held, "userId": user_id})


def _order(
    user_id: int, lines: dict[int, tuple[int, int]], discount: int, held: int | None,
    previous: int, at: datetime,
) -> int:
    """A completed order of {product: (price, quantity)}; its id."""
    total = sum(price * quantity for price, quantity in lines.values())
    job_id, _ = job("order.place", user_id, "succeeded", at)
    order_id = _insert(
        "orders", user_id=user_id, job_id=job_id, coupon_id=held and SOLD_OUT,
        user_coupon_id=held, total_amount=total, discount_amount=discount,
        final_amount=total - discount, status="COMPLETED", created_at=at,
    )
    for product_id, (price, quantity) in lines.items():
        _insert(
            "order_items", order_id=order_id, product_id=product_id, product_name="thing",
            price=price, quantity=quantity,
        )
        _move_stock(product_id, "order", -quantity, order_id)
    _insert(
        "payments", order_id=order_id, user_id=user_id, amount=total - discount, paid_at=at
    )
    _move(user_id, "payment", discount - total, previous, job_id, str(order_id))
    finish(job_id, {
        "orderId": order_id, "totalAmount": total, "finalAmount": total - discount,
    })
    event("order.completed", "order", order_id, {"orderId": order_id, "userId": user_id})
    return order_id


def _move_stock(product_id: int, kind: str, quantity: int, order_id: int | None) -> None:
    _insert(
        "stock_movements", product_id=product_id, kind=kind, quantity=quantity, order_id=order_id
    )
    sold = -quantity if order_id else 0
    execute(
        "UPDATE products SET stock = stock + %s, sales_count = sales_count + %s WHERE id = %s",
        (quantity, sold, product_id),
    )


def _first_order(at: datetime) -> None:
    """User 1 buys with the coupon: a third of 88,000 won is 29,040."""
    order_id = _order(1, {4: (39_000, 1), 9: (49_000, 1)}, 29_040, 1, 1_057_000, at)
    execute(
        "UPDATE user_coupons SET used_at = %s, used_by_order_id = %s WHERE id = 1", (at, order_id)
    )


def _second_order_and_its_cancel(at: datetime) -> None:
    """User 2 buys with the other one, and cancels: everything is given back."""
    order_id = _order(2, {4: (1_000, 2)}, 660, 2, 1_000_000, at)
    job_id, _ = job("order.cancel", 2, "succeeded", at)
    execute(
        "UPDATE orders SET status = 'CANCELLED', cancelled_at = %s, cancel_job_id = %s "
        "WHERE id = %s", (at, job_id, order_id),
    )
    execute("UPDATE payments SET refunded_at = %s WHERE order_id = %s", (at, order_id))
    _move_stock(4, "cancel", 2, order_id)
    _move(2, "refund", 1_340, 998_660, job_id, str(order_id))
    finish(job_id, {"orderId": order_id})
    event("order.cancelled", "order", order_id, {"orderId": order_id, "userId": 2})


def _restock(product_id: int, quantity: int, at: datetime) -> None:
    """At once and without a job, by an admin whose key keeps the answer."""
    _insert(
        "idempotency_keys", hash=b"restock".ljust(32), job_uuid=uuid7().bytes,
        body_hash=b"restock".ljust(32), expires_at=at + timedelta(days=30), answer="{}",
    )
    _move_stock(product_id, "restock", quantity, None)
    event("product.restocked", "product", product_id, {"productId": product_id})


def _payments(at: datetime) -> None:
    """Of user 1's charges the first was asked for; of three more one was declined, one is asked
    for, and one has been for so long that it holds back nobody any more."""
    [(charged, uuid)] = rows("SELECT id, uuid FROM jobs WHERE kind = 'balance.charge' LIMIT 1")
    _ask(charged, UUID(bytes=uuid), 1, 50_000, "booked", at)
    declined, key = job("balance.charge", 3, "failed", at, error='{"code":"PAY002"}')
    _ask(declined, key, 3, 700, "declined", at)
    parked, key = job("balance.charge", 3, "running", at, started_at=at, queue_lane=None)
    _ask(parked, key, 3, 700, "asking", at, held_until=now() + timedelta(hours=1))
    let_go, key = job(
        "balance.charge", 2, "running", at, started_at=at, queue_lane=None, queue_key=None
    )
    _ask(let_go, key, 2, 700, "asking", at)


def _ask(
    job_id: int, key: UUID, user_id: int, amount: int, status: str, at: datetime, **columns: Any
) -> None:
    asking = status == "asking"
    _insert(
        "payment_requests", job_id=job_id, job_uuid=key.bytes, user_id=user_id, amount=amount,
        status=status, created_at=at, decided_at=None if asking else at,
        next_attempt_at=now() + timedelta(hours=1) if asking else None,
        provider_id=None if status in ("asking", "declined") else f"pay_{job_id}", **columns,
    )


def _refusals_and_what_is_under_way(at: datetime) -> None:
    job("order.place", 3, "failed", at, error='{"code":"O003"}')
    _, given_up = job(
        "order.place", 3, "failed", at, error='{"code":"COMMON004"}', system_failure=1
    )
    job("order.place", 3, "failed", at, error='{"code":"O005"}', retry_of=given_up.bytes)
    job("order.place", 3, "cancelled", at)
    lease = {"lease_token": uuid7().bytes, "lease_until": now() + timedelta(hours=1)}
    # Accepted long ago, but its worker is alive; the one behind it waits for it.
    job("balance.charge", 4, "running", at, started_at=at, **lease)
    job("balance.charge", 4, "queued", at)
    job("balance.charge", 5, "queued", now())
