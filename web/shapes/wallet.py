"""Users and their balances, as they are shown."""

from typing import Annotated, Literal

from pydantic import Field

from web.schemas import Id, Shape
from web.shapes.basics import NextCursor, Timestamp, Won, example

CHARGED = {
    "userId": 42, "previousBalance": 0, "chargedAmount": 200_000, "currentBalance": 200_000,
    "chargedAt": "2026-11-24T09:00:00.000Z",
}
_ENTRY = {
    "id": 9, "kind": "charge", "amount": 200_000, "previousBalance": 0,
    "currentBalance": 200_000, "reference": "top-up-1", "createdAt": "2026-11-24T09:00:00.000Z",
}


class User(Shape):
    model_config = example(
        userId=42, name="Mina", balance=0, createdAt="2026-11-24T09:00:00.000Z"
    )

    user_id: Id
    name: str
    balance: Won
    created_at: Timestamp


class Balance(Shape):
    model_config = example(userId=42, balance=200_000)

    user_id: Id
    balance: Won


class Charge(Shape):
    model_config = example(**CHARGED)

    user_id: Id
    previous_balance: Won
    charged_amount: Annotated[int, Field(ge=1, description="Won")]
    current_balance: Won
    charged_at: Timestamp


class BalanceMovement(Shape):
    model_config = example(**_ENTRY)

    id: Id
    kind: Literal["opening", "charge", "payment", "refund"]
    amount: Annotated[int, Field(description="Won; payments are negative")]
    previous_balance: Won
    current_balance: Won
    reference: Annotated[
        str | None, Field(description="The transactionId of a charge, the order of a payment")
    ]
    created_at: Timestamp


class BalanceHistory(Shape):
    model_config = example(history=[_ENTRY], nextCursor=None)

    history: list[BalanceMovement]
    next_cursor: NextCursor
