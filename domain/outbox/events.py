"""What an event is, and which aggregate and topic it belongs to."""

import zlib
from dataclasses import dataclass
from typing import Any

import orjson

SHARDS = 16
"""Leadership and order are kept per shard; a stored value, so it never changes."""

TOPICS = {
    "order": "orders.events",
    "userCoupon": "coupons.events",
    "wallet": "wallet.events",
    "product": "products.events",
}
"""Aggregate type → topic. The aggregate's id is the message key."""

SCHEMA_VERSION = 1
"""Of every payload. A later one may take away or change; what is only added keeps the version."""


EXAMPLE_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
"""The traceparent of examples, as the W3C recommendation has it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about one aggregate, to be published after the commit that made it true."""

    aggregate_type: str
    aggregate_id: int
    type: str
    payload: dict[str, Any]
    traceparent: str | None = None


def body_of(event: Event) -> bytes:
    """The event as its message's value: UTF-8 JSON."""
    return orjson.dumps({"schemaVersion": SCHEMA_VERSION, **event.payload})


def source_of(aggregate_type: str) -> str:
    """Where events of an aggregate type come from: CloudEvents' ``source``."""
    return f"/shop/{TOPICS[aggregate_type].removesuffix('.events')}"


def shard_of(aggregate_type: str, aggregate_id: int) -> int:
    """The shard of an aggregate: all of its events have the same one."""
    return zlib.crc32(f"{aggregate_type}:{aggregate_id}".encode()) % SHARDS
