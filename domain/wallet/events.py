"""What the wallet tells others."""

from typing import Annotated, Any

from pydantic import Field

from domain.kernel.money import MAX_AMOUNT
from domain.outbox.event_types import EventData, EventType, Id, Instant, Won
from domain.outbox.events import EXAMPLE_TRACE, Event


class BalanceCharged(EventData):
    """Money came into a user's balance: the job's result."""

    user_id: Id
    previous_balance: Won
    charged_amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="Won (KRW)")]
    current_balance: Won
    charged_at: Instant


def balance_charged(result: dict[str, Any], traceparent: str | None) -> Event:
    """``balance.charged``, with the job's result as its data."""
    return Event("wallet", result["userId"], "balance.charged", result, traceparent)


BALANCE_CHARGED = EventType(
    summary="Money came into a user's balance.",
    key="the user's id",
    data=BalanceCharged,
    example=balance_charged(
        {
            "userId": 42,
            "previousBalance": 8_000,
            "chargedAmount": 100_000,
            "currentBalance": 108_000,
            "chargedAt": "2026-11-23T22:01:58.123Z",
        },
        EXAMPLE_TRACE,
    ),
)
