"""What an event is, and which aggregate and topic it belongs to."""

import zlib
from dataclasses import dataclass
from typing import Any

SHARDS = 16
"""Leadership and order are kept per shard; a stored value, so it never changes."""

TOPICS = {
    "order": "orders.events",
    "userCoupon": "coupons.events",
    "wallet": "wallet.events",
    "product": "products.events",
}
"""Aggregate type → topic. The aggregate's id is the message key."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about one aggregate, to be published after the commit that made it true."""

    aggregate_type: str
    aggregate_id: int
    type: str
    payload: dict[str, Any]
    traceparent: str | None = None


def shard_of(aggregate_type: str, aggregate_id: int) -> int:
    """The shard of an aggregate: all of its events have the same one."""
    return zlib.crc32(f"{aggregate_type}:{aggregate_id}".encode()) % SHARDS
