"""How a balance moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import DomainError
from domain.kernel.money import MAX_BALANCE
from domain.wallet.errors import BalanceTooHigh, BalanceTooLow
from domain.wallet.rules import Account


def test_a_balance_never_goes_below_nothing() -> None:
    # Given 99 won
    account = Account(1, 99)
    # When 100 are to be paid
    with pytest.raises(BalanceTooLow) as refused:
        account.pay(100, job_id=1)
    # Then it is refused, says how much is missing, and nothing moved
    assert refused.value.problem()["requiredAmount"] == 100
    assert refused.value.problem()["currentBalance"] == 99
    assert account.balance == 99
    assert account.entries == []


def test_a_balance_never_goes_over_its_bound() -> None:
    account = Account(1, MAX_BALANCE)
    with pytest.raises(BalanceTooHigh):
        account.charge(1, None, job_id=1)


steps = st.lists(
    st.tuples(st.sampled_from(["charge", "pay", "refund"]), st.integers(0, 10**9)), max_size=50
)


@given(st.integers(0, MAX_BALANCE), steps)
def test_each_entry_continues_the_one_before(opening: int, moves: list[tuple[str, int]]) -> None:
    # Given a balance, When it moves in any way
    account = Account(1, opening)
    for name, amount in moves:
        try:
            if name == "charge":
                account.charge(amount, None, job_id=1)
            elif name == "pay":
                account.pay(amount, job_id=1)
            else:
                account.refund(amount, order_id=1, job_id=1)
        except DomainError:
            continue
    # Then the history is one chain from the opening to the balance, never below nothing
    previous = opening
    for entry in account.entries:
        assert entry.previous == previous
        assert entry.current == entry.previous + entry.amount >= 0
        previous = entry.current
    assert previous == account.balance
    assert account.balance - opening == sum(entry.amount for entry in account.entries)
