"""A wallet and a coupon as the contract specifies them, one operation at a time."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from tests.support.chaos.linearizability import Operation

REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Charge:
    """Answered by the balances before and after it."""

    amount: int


@dataclass(frozen=True, slots=True)
class Pay:
    """An order of this total. Answered by True, or by the balance that was too low for it."""

    total: int


@dataclass(frozen=True, slots=True)
class Refund:
    """A cancel of an order that was paid with this. Answered by True."""

    total: int


@dataclass(frozen=True, slots=True)
class Read:
    """Answered by the balance; of a coupon, by its total and how many are issued."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """A user's balance; the state is the won in it."""

    opening: Mapping[Hashable, int]

    def initial(self, key: Hashable) -> int:
        return self.opening[key]

    def step(self, state: Hashable, operation: Operation) -> int | None:
        assert isinstance(state, int)
        seen, answered = operation.answer, operation.answered
        match operation.asked:
            case Charge(amount):
                after = state + amount
                return after if not answered or seen == (state, after) else None
            case Pay(total):
                if not answered or seen is True:
                    return state - total if total <= state else None
                return state if seen == state < total else None
            case Refund(total):
                return state + total
            case Read():
                return state if not answered or seen == state else None
        raise TypeError(f"a wallet knows no {operation.asked!r}")


@dataclass(frozen=True, slots=True)
class Issue:
    """Answered by True, C001 (sold out) or C006 (this user has one)."""

    user: int


@dataclass(frozen=True, slots=True)
class SetTotal:
    """Answered by True, or REFUSED when more than that are issued."""

    total: int


@dataclass(frozen=True, slots=True)
class Coupon:
    """Of a limited number; the state is that number, and who has one.

    A user who has one, of a coupon that is sold out, may be told either.
    """

    totals: Mapping[Hashable, int]

    def initial(self, key: Hashable) -> tuple[int, frozenset[int]]:
        return self.totals[key], frozenset()

    def step(
        self, state: Hashable, operation: Operation
    ) -> tuple[int, frozenset[int]] | None:
        assert isinstance(state, tuple)
        total, holders = state
        seen, answered = operation.answer, operation.answered
        match operation.asked:
            case Issue(user):
                if not answered or seen is True:
                    free = user not in holders and len(holders) < total
                    return (total, holders | {user}) if free else None
                fits = len(holders) == total if seen == "C001" else user in holders
                return state if fits and seen in ("C001", "C006") else None
            case SetTotal(wanted):
                if not answered or seen is True:
                    return (wanted, holders) if wanted >= len(holders) else None
                return state if wanted < len(holders) and seen == REFUSED else None
            case Read():
                return state if not answered or seen == (total, len(holders)) else None
        raise TypeError(f"a coupon knows no {operation.asked!r}")
