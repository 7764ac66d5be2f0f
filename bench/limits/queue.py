"""Queued jobs in bulk, as the intake leaves them, for hand-written SQL to do."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pymysql

_CHUNK = 5_000


def lay_out(
    connection: "pymysql.Connection[Any]", kind: str, users: Sequence[int], coupon_id: int = 0
) -> range:
    """A queued job of ``kind`` for each user; their ids, which have no gaps."""
    first = last = 0
    for start in range(0, len(users), _CHUNK):
        part = users[start : start + _CHUNK]
        rows = ",".join(_row(kind, user, coupon_id, start + place + 1)
                        for place, user in enumerate(part))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO jobs (uuid, kind, user_id, caller_id, concurrency_key, queue_lane, "
                "queue_key, seq, payload, accepted_at) VALUES " + rows
            )
            first = first or int(cursor.lastrowid)
            last = int(cursor.lastrowid) + len(part) - 1
        connection.commit()
    if coupon_id:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE coupon_gates SET next_seq = %s WHERE coupon_id = %s",
                (len(users), coupon_id),
            )
        connection.commit()
    return range(first, last + 1)


def _row(kind: str, user: int, coupon_id: int, place: int) -> str:
    if kind == "coupon.issue":
        key, lane, seq, payload = (
            f"coupon:{coupon_id}", "coupons", place, f'{{"v":1,"couponId":{coupon_id}}}'
        )
    else:
        key, lane, seq = f"user:{user}", "users", 0
        payload = (
            '{"v":1,"amount":1000,"transactionId":null,"paymentMethod":null}'
            if kind == "balance.charge"
            else '{"v":1,"cartVersion":1,"couponId":null,"expectedTotal":null}'
        )
    return (
        f"(x'{uuid4().hex}','{kind}',{user},{user},'{key}','{lane}','{key}',{seq},'{payload}',"
        "NOW(3))"
    )
