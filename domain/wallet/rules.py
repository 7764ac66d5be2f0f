"""How a balance moves. Pure: values in, decision out."""

from dataclasses import dataclass
from enum import StrEnum

from domain.kernel.money import MAX_BALANCE
from domain.wallet.errors import BalanceTooHigh, BalanceTooLow


class Movement(StrEnum):
    """Why a balance changed: the ``kind`` of a history row."""

    OPENING = "opening"
    CHARGE = "charge"
    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a user's history; ``amount`` is signed, payments are negative."""

    user_id: int
    kind: Movement
    amount: int
    previous: int
    current: int
    reference: str | None
    job_id: int | None


class Account:
    """A user's balance while a batch of jobs decides about it, and the rows to write for it."""

    def __init__(self, user_id: int, balance: int) -> None:
        self.user_id = user_id
        self.opening = balance
        self.balance = balance
        self.entries: list[Entry] = []

    def open(self, amount: int) -> Entry:
        """The first row of a new user's history, whatever they begin with."""
        return self._move(Movement.OPENING, amount, None, None)

    def charge(self, amount: int, reference: str | None, job_id: int) -> Entry:
        """Add money. Raises BalanceTooHigh over the bound."""
        self.make_room(amount)
        return self._move(Movement.CHARGE, amount, reference, job_id)

    def make_room(self, amount: int) -> None:
        """Whether so much can be charged, without charging it. Raises BalanceTooHigh."""
        if self.balance + amount > MAX_BALANCE:
            raise BalanceTooHigh(f"A balance holds {MAX_BALANCE} won at most.")

    def pay(self, amount: int, job_id: int) -> Entry:
        """Take money for an order, whose id is not known before it is written.

        Raises BalanceTooLow.
        """
        self.afford(amount)
        return self._move(Movement.PAYMENT, -amount, None, job_id)

    def afford(self, amount: int) -> None:
        """Whether so much can be paid, without paying it. Raises BalanceTooLow."""
        if self.balance < amount:
            raise BalanceTooLow(required=amount, current=self.balance)

    def refund(self, amount: int, order_id: int, job_id: int) -> Entry:
        """Give back what an order was paid with: never refused."""
        return self._move(Movement.REFUND, amount, str(order_id), job_id)

    def _move(
        self, kind: Movement, amount: int, reference: str | None, job_id: int | None
    ) -> Entry:
        previous, self.balance = self.balance, self.balance + amount
        entry = Entry(self.user_id, kind, amount, previous, self.balance, reference, job_id)
        self.entries.append(entry)
        return entry
