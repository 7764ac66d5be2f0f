"""The first row of a user's history."""

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import MAX_BALANCE
from domain.wallet.rules import Account, Entry, Movement


@given(amount=st.integers(0, MAX_BALANCE))
def test_a_history_begins_with_what_a_user_opens_with_be_it_nothing(amount: int) -> None:
    account = Account(7, 0)
    account.open(amount)
    assert account.balance == amount
    assert account.entries == [Entry(7, Movement.OPENING, amount, 0, amount, None, None)]
