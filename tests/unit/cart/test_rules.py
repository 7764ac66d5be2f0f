"""How much a line of a cart may hold, and how many lines there may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cart.errors import CartFull, QuantityOutOfBounds
from domain.cart.rules import (
    MAX_LINES,
    MAX_QUANTITY,
    MIN_QUANTITY,
    added_up,
    check_room,
    checked_quantity,
)

GOOD = st.integers(MIN_QUANTITY, MAX_QUANTITY)
BAD = st.integers(max_value=MIN_QUANTITY - 1) | st.integers(min_value=MAX_QUANTITY + 1)


@given(quantity=GOOD)
def test_a_quantity_within_its_bounds_stays_as_it_is(quantity: int) -> None:
    assert checked_quantity(quantity) == quantity


@given(quantity=BAD, present=GOOD)
def test_a_quantity_out_of_bounds_is_refused_with_its_place(quantity: int, present: int) -> None:
    for attempt in (lambda: checked_quantity(quantity), lambda: added_up(present, quantity)):
        with pytest.raises(QuantityOutOfBounds) as refusal:
            attempt()
        problem = refusal.value.problem()
        assert (problem["code"], problem["status"]) == ("O001", 422)
        assert [error["pointer"] for error in problem["errors"]] == ["/quantity"]


@given(parts=st.lists(GOOD, min_size=1, max_size=8))
def test_whatever_is_added_a_line_never_holds_more_than_its_bound(parts: list[int]) -> None:
    line = parts[0]
    for more in parts[1:]:
        try:
            total = added_up(line, more)
        except QuantityOutOfBounds:
            assert line + more > MAX_QUANTITY
        else:
            assert total == line + more
            line = total
        assert MIN_QUANTITY <= line <= MAX_QUANTITY


@given(lines=st.integers(0, 3 * MAX_LINES))
def test_a_cart_takes_products_until_it_is_full(lines: int) -> None:
    if lines < MAX_LINES:
        check_room(lines)
    else:
        with pytest.raises(CartFull) as refusal:
            check_room(lines)
        assert (refusal.value.code, refusal.value.status) == ("COMMON001", 422)
