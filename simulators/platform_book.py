"""What the stand-in platform holds: each event once, however often it is sent."""

from collections import defaultdict
from typing import Any


class Book:
    """In memory, for one thread of greenlets."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._events: dict[str, dict[str, Any]] = {}
        self._by_order: dict[int, list[str]] = defaultdict(list)
        self.requests = 0
        self.repeats = 0
        self.failed = 0
        self.open = 0
        self.most_open = 0
        self.overlapping = 0
        self._open_orders: dict[int, int] = defaultdict(int)

    def enter(self, order_id: int) -> None:
        """A request about an order begins."""
        self.requests += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self._open_orders[order_id] += 1
        if self._open_orders[order_id] > 1:
            self.overlapping += 1

    def leave(self, order_id: int) -> None:
        """A request about an order ended, whichever way."""
        self.open -= 1
        self._open_orders[order_id] -= 1
        if not self._open_orders[order_id]:
            del self._open_orders[order_id]

    def keep(self, event_id: str, order_id: int, event: dict[str, Any]) -> bool:
        """Book an event under its key. False if it was booked already: a repeat changes nothing."""
        if event_id in self._events:
            self.repeats += 1
            return False
        self._events[event_id] = event
        self._by_order[order_id].append(event_id)
        return True

    def order(self, order_id: int) -> list[dict[str, Any]] | None:
        """An order's events in the order of their first booking, None if there are none."""
        if order_id not in self._by_order:
            return None
        return [self._events[event_id] for event_id in self._by_order[order_id]]

    def orders(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Orders by id from ``after`` on, each with its events in the order of first booking."""
        ids = sorted(order_id for order_id in self._by_order if order_id > after)[:limit]
        return [
            {
                "orderId": order_id,
                "events": [
                    {"eventId": event_id, "type": self._events[event_id]["type"]}
                    for event_id in self._by_order[order_id]
                ],
            }
            for order_id in ids
        ]

    def stats(self) -> dict[str, int]:
        return {
            "events": len(self._events),
            "orders": len(self._by_order),
            "requests": self.requests,
            "repeats": self.repeats,
            "failed": self.failed,
            "open": self.open,
            "mostOpen": self.most_open,
            "overlapping": self.overlapping,
        }
