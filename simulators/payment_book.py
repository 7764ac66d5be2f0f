"""What the stand-in provider holds: each payment once, however often it is asked for."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


@dataclass(slots=True)
class Payment:
    """One payment, as it is answered; ``status``: approved, declined, pending or voided."""

    id: str
    key: str
    user_id: int
    amount: int
    status: str
    created_at: str
    reason: str | None = None

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": self.id, "key": self.key, "userId": self.user_id, "amount": self.amount,
            "currency": "KRW", "status": self.status, "createdAt": self.created_at,
        }
        return shown if self.reason is None else {**shown, "reason": self.reason}


class KeyReused(ValueError):
    """A key that stands for another payment."""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Book:
    """In memory, for one thread of greenlets."""

    def __init__(self, clock: Callable[[], str] = _now) -> None:
        """``clock`` gives instants as RFC 3339, which sort as text."""
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._payments: dict[str, Payment] = {}
        self.asked: dict[str, int] = defaultdict(int)
        self.requests = 0
        self.failed = 0
        self.open = 0
        self.most_open = 0

    def enter(self, key: str) -> bool:
        """A request for a payment begins. Returns whether it is the first for its key."""
        self.requests += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.asked[key] += 1
        return self.asked[key] == 1

    def leave(self) -> None:
        """A request for a payment ended, whichever way."""
        self.open -= 1

    def take(
        self, key: str, user_id: int, amount: int, status: str, reason: str | None = None
    ) -> Payment:
        """The payment of ``key``: with ``status`` if it is new or was pending, else as it is.

        Raises KeyReused for another user or amount.
        """
        held = self._payments.get(key)
        if held is None:
            held = Payment(f"pay_{uuid4().hex}", key, user_id, amount, status, self._clock())
            self._payments[key] = held
        elif (held.user_id, held.amount) != (user_id, amount):
            raise KeyReused(f"{key} stands for another payment")
        elif held.status == "pending":
            held.status = status
        if held.status == "declined" and held.reason is None:
            held.reason = reason
        return held

    def void(self, key: str) -> Payment | None:
        """Give a payment back whole; None if there is none. A declined one stays declined."""
        held = self._payments.get(key)
        if held is not None and held.status in ("approved", "pending"):
            held.status = "voided"
        return held

    def payment(self, key: str) -> Payment | None:
        return self._payments.get(key)

    def page(self, since: str, after: int, limit: int) -> tuple[list[Payment], int | None]:
        """Payments from ``since`` on in the order of their making, from the ``after``-th of all on;
        and where the next page begins, None at the end."""
        every = list(self._payments.values())
        found: list[Payment] = []
        for number in range(after, len(every)):
            if len(found) == limit:
                return found, number
            if every[number].created_at >= since:
                found.append(every[number])
        return found, None

    def stats(self) -> dict[str, int]:
        by_status: dict[str, int] = defaultdict(int)
        for one in self._payments.values():
            by_status[one.status] += 1
        return {
            "payments": len(self._payments), "requests": self.requests, "failed": self.failed,
            "open": self.open, "mostOpen": self.most_open,
            "approved": by_status["approved"], "declined": by_status["declined"],
            "pending": by_status["pending"], "voided": by_status["voided"],
        }
