"""The effects of jobs by the shortest SQL that has them: no ORM, no queue, no look twice.

What is written is what the workers write, row for row: ``audit`` holds afterwards. Statements are
put together as text, which costs the client less than parameters do; all values are numbers, or our
own.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Cursor = Any
Work = Callable[[Cursor, Sequence[int]], None]
_SHARDS = 16


def listed(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))


def lock_jobs(cursor: Cursor, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Their ids and users, locked."""
    cursor.execute(
        f"SELECT id, user_id FROM jobs WHERE id IN ({listed(ids)}) AND status = 'queued' "
        "ORDER BY id FOR UPDATE"
    )
    found = list(cursor.fetchall())
    if len(found) != len(ids):
        raise RuntimeError("these jobs are somebody else's")
    return found


def finish(
    cursor: Cursor, results: Sequence[tuple[int, str]],
    events: Sequence[tuple[str, int, str, str]],
) -> None:
    """End the jobs and leave their events: (aggregate type, aggregate, type, payload)."""
    rows = ",".join(
        f"(x'{uuid4().hex}','{kind}',{aggregate},'{type_}','{payload}',"
        f"{zlib.crc32(f'{kind}:{aggregate}'.encode()) % _SHARDS},NOW(3))"
        for kind, aggregate, type_, payload in events
    )
    cursor.execute(
        "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
        f"pending_shard, created_at) VALUES {rows}"
    )
    whens = " ".join(f"WHEN {id_} THEN '{result}'" for id_, result in results)
    cursor.execute(
        f"UPDATE jobs SET status = 'succeeded', result = CASE id {whens} END, attempts = 1, "
        "started_at = NOW(3), finished_at = NOW(3), queue_lane = NULL, queue_key = NULL "
        f"WHERE id IN ({listed([id_ for id_, _ in results])})"
    )


def charges(cursor: Cursor, ids: Sequence[int]) -> None:
    """1,000 won for each job's user; no user twice among them."""
    jobs = lock_jobs(cursor, ids)
    users = listed([user for _, user in jobs])
    cursor.execute(f"SELECT id, balance FROM users WHERE id IN ({users}) ORDER BY id FOR UPDATE")
    balances = dict(cursor.fetchall())
    cursor.execute(f"UPDATE users SET balance = balance + 1000 WHERE id IN ({users})")
    rows = ",".join(
        f"({user},'charge',1000,{balances[user]},{balances[user] + 1000},{id_})"
        for id_, user in jobs
    )
    cursor.execute(
        "INSERT INTO balance_history (user_id, kind, amount, previous_balance, current_balance, "
        f"job_id) VALUES {rows}"
    )
    at = now()
    results = [
        (id_, user, {
            "userId": user, "previousBalance": balances[user], "chargedAmount": 1000,
            "currentBalance": balances[user] + 1000, "chargedAt": at,
        })
        for id_, user in jobs
    ]
    finish(
        cursor,
        [(id_, json.dumps(result)) for id_, _, result in results],
        [("wallet", user, "balance.charged", event_of(result)) for _, user, result in results],
    )


def coupons(cursor: Cursor, ids: Sequence[int]) -> None:
    """One of the only coupon for each job's user, in the order of the jobs."""
    cursor.execute(
        "SELECT id, name, discount_type, discount_value, expires_at FROM coupons "
        "ORDER BY id DESC LIMIT 1 FOR UPDATE"
    )
    [(coupon, name, kind, value, expires_at)] = cursor.fetchall()
    cursor.execute(
        f"SELECT id, user_id, seq FROM jobs WHERE id IN ({listed(ids)}) ORDER BY id FOR UPDATE"
    )
    jobs = list(cursor.fetchall())
    rows = ",".join(
        f"({coupon},{user},{id_},{seq},'{expires_at}')" for id_, user, seq in jobs
    )
    cursor.execute(
        f"INSERT INTO user_coupons (coupon_id, user_id, job_id, seq, expires_at) VALUES {rows}"
    )
    first = int(cursor.lastrowid)
    cursor.execute(
        f"UPDATE coupons SET issued_quantity = issued_quantity + {len(jobs)} WHERE id = {coupon}"
    )
    issued = now()
    expires = expires_at.isoformat(timespec="milliseconds") + "Z"
    results = [
        (id_, user, first + place, {
            "userCouponId": first + place, "couponId": coupon,
            "name": name, "discountType": kind, "discountValue": value,
            "issuedAt": issued, "expiresAt": expires,
        })
        for place, (id_, user, _) in enumerate(jobs)
    ]
    finish(
        cursor,
        [(id_, json.dumps(result)) for id_, _, _, result in results],
        [
            ("userCoupon", own, "coupon.issued", event_of({**result, "userId": user}))
            for _, user, own, result in results
        ],
    )


def event_of(result: dict[str, Any]) -> str:
    return json.dumps({"schemaVersion": 1, **result})


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
