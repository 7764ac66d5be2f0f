"""What the wallet tells others."""

from typing import Annotated, Any

from pydantic import Field

from domain.kernel.money import MAX_AMOUNT
from domain.outbox.event_types import EventData, EventType, Id, Instant, Won
from domain.outbox.events import EXAMPLE_TRACE, Event

TransactionId = Annotated[str, Field(min_length=1, max_length=255)]


class BalanceCharged(EventData):
    """Money came into a user's balance: the job's result, and what the client calls it."""

    user_id: Id
    previous_balance: Won
    charged_amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="Won (KRW)")]
    current_balance: Won
    charged_at: Instant
    # Made by a factory, a default is not shown as one: the field is there or it is not.
    transaction_id: TransactionId = Field(
        default_factory=str, description="Absent: charged without a transactionId"
    )


def balance_charged(
    result: dict[str, Any], transaction_id: str | None, traceparent: str | None
) -> Event:
    """``balance.charged``: the job's result, with the transactionId if the client gave one."""
    named = {} if transaction_id is None else {"transactionId": transaction_id}
    return Event("wallet", result["userId"], "balance.charged", {**result, **named}, traceparent)


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
        "pg-20261123-0042",
        EXAMPLE_TRACE,
    ),
)
