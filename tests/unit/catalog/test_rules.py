"""What a delivery makes of a stock, and what counts as a change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.errors import StockTooHigh
from domain.catalog.events import product_restocked
from domain.catalog.rules import MAX_STOCK, difference, restocked

STOCK = st.integers(0, MAX_STOCK)
DELIVERY = st.integers(1, MAX_STOCK)
FIELDS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), min_size=4)


@given(stock=STOCK, quantity=DELIVERY)
def test_a_delivery_adds_up_or_is_refused_over_the_bound(stock: int, quantity: int) -> None:
    if stock + quantity > MAX_STOCK:
        with pytest.raises(StockTooHigh) as refusal:
            restocked(7, stock, quantity)
        problem = refusal.value.problem()
        assert (problem["code"], problem["status"]) == ("COMMON001", 422)
        assert [error["pointer"] for error in problem["errors"]] == ["/quantity"]
    else:
        delivery = restocked(7, stock, quantity)
        assert (delivery.product_id, delivery.quantity) == (7, quantity)
        assert delivery.previous == stock
        assert delivery.stock == stock + quantity
        assert delivery.was_out == (stock == 0)


@pytest.mark.parametrize(
    ("stock", "quantity"), [(0, MAX_STOCK), (MAX_STOCK - 1, 1), (1, MAX_STOCK - 1)]
)
def test_a_stock_may_be_filled_to_its_bound(stock: int, quantity: int) -> None:
    assert restocked(7, stock, quantity).stock == MAX_STOCK


def test_the_event_of_a_delivery_tells_whether_there_was_none() -> None:
    event = product_restocked(restocked(7, 0, 5), "00-trace")
    assert (event.aggregate_type, event.aggregate_id) == ("product", 7)
    assert (event.type, event.traceparent) == ("product.restocked", "00-trace")
    assert event.payload == {"productId": 7, "quantity": 5, "stock": 5, "wasOut": True}
    assert product_restocked(restocked(7, 1, 5), None).payload["wasOut"] is False


@given(before=FIELDS, after=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)))
def test_a_difference_leads_from_one_state_to_the_other(
    before: dict[str, int], after: dict[str, int]
) -> None:
    changed = difference(before, after)
    # Then what it names was otherwise before, and with it nothing else is needed to get there
    assert all(before[field] != change["after"] for field, change in changed.items())
    assert all(before[field] == change["before"] for field, change in changed.items())
    reached = {**before, **{field: change["after"] for field, change in changed.items()}}
    assert reached == {**before, **after}
