"""What the wallet tells others."""

from typing import Any

from domain.outbox.events import Event


def balance_charged(result: dict[str, Any], traceparent: str | None) -> Event:
    """``balance.charged``, with the job's result as its data."""
    return Event("wallet", result["userId"], "balance.charged", result, traceparent)
