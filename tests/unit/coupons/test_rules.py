"""What a coupon gives, to whom, and when."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.coupons.errors import (
    AlreadyIssued,
    BelowMinimum,
    CouponExpired,
    CouponNotFound,
    CouponUsed,
    NotOpenYet,
    SoldOut,
)
from domain.coupons.rules import (
    Discount,
    DiscountType,
    Gate,
    HeldCoupon,
    HoldingStatus,
    NewCoupon,
    Supply,
    check_new,
    check_quantity,
    holding_status,
    refusal,
)
from domain.kernel.errors import DomainError, InvalidRequest, Unavailable
from domain.kernel.money import MAX_AMOUNT

NOW = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - UTC, as stored
TICK = timedelta(milliseconds=1)
DAY = timedelta(days=1)

discounts = st.one_of(
    st.builds(Discount, st.just(DiscountType.PERCENTAGE), st.integers(1, 100)),
    st.builds(Discount, st.just(DiscountType.FIXED), st.integers(1, MAX_AMOUNT)),
)
totals = st.integers(0, 100 * 999 * 10**9)


@settings(deadline=None)
@given(discounts, totals)
def test_no_discount_is_larger_than_the_total_or_less_than_nothing(
    discount: Discount, total: int
) -> None:
    assert 0 <= discount.on(total) <= total


@settings(deadline=None)
@given(st.integers(1, 100), totals)
def test_a_percentage_rounds_down(percent: int, total: int) -> None:
    taken = Discount(DiscountType.PERCENTAGE, percent).on(total)
    assert taken * 100 <= total * percent < (taken + 1) * 100


@pytest.mark.parametrize(
    ("kind", "value", "total", "taken"),
    [
        (DiscountType.PERCENTAGE, 15, 1_999, 299),
        (DiscountType.PERCENTAGE, 1, 99, 0),
        (DiscountType.PERCENTAGE, 100, 77, 77),
        (DiscountType.FIXED, 500, 1_999, 500),
        (DiscountType.FIXED, 500, 499, 499),
        (DiscountType.FIXED, 500, 0, 0),
    ],
)
def test_discounts(kind: DiscountType, value: int, total: int, taken: int) -> None:
    assert Discount(kind, value).on(total) == taken


def a_gate(
    sold_out: bool = False,
    paused: bool = False,
    starts_at: datetime | None = None,
    expires_at: datetime = NOW + DAY,
) -> Gate:
    return Gate(sold_out, paused, starts_at, expires_at)


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (None, CouponNotFound),
        (a_gate(), None),
        (a_gate(sold_out=True, paused=True), SoldOut),
        (a_gate(starts_at=NOW + TICK), NotOpenYet),
        (a_gate(starts_at=NOW), None),
        (a_gate(expires_at=NOW), CouponExpired),
        (a_gate(expires_at=NOW + TICK), None),
        (a_gate(paused=True), Unavailable),
    ],
)
def test_who_is_let_in(gate: Gate | None, expected: type[DomainError] | None) -> None:
    found = refusal(gate, NOW)
    assert (type(found) if found else None) is expected


def test_a_gate_that_is_not_open_yet_says_when_it_is() -> None:
    found = refusal(a_gate(starts_at=NOW + DAY), NOW)
    assert found is not None
    assert found.problem()["startsAt"] == "2026-11-24T12:00:00.000Z"


def a_supply(maximum: int, issued: int = 0, expires_at: datetime = NOW + DAY) -> Supply:
    return Supply(7, "drop", Discount(DiscountType.FIXED, 100), maximum, issued, expires_at)


def run(supply: Supply, users: list[int]) -> list[str]:
    """What each of these users' requests comes to, in their order."""
    found = []
    for user in users:
        try:
            supply.check(user, NOW)
        except DomainError as refused:
            found.append(refused.code)
        else:
            supply.issue(user)
            found.append("issued")
    return found


@settings(deadline=None)
@given(st.lists(st.integers(1, 12), max_size=60), st.integers(0, 15), st.data())
def test_the_first_to_ask_win_whatever_the_batches(
    users: list[int], maximum: int, data: st.DataObject
) -> None:
    # Given requests in the order of their sequence, cut into batches anywhere
    cut = data.draw(st.integers(0, len(users)))
    supply = a_supply(maximum)
    found = run(supply, users[:cut])
    again = a_supply(maximum, supply.issued)
    again.holders |= supply.holders
    found += run(again, users[cut:])
    # Then the first requests of the first users win, as if there had been one batch
    assert found == run(a_supply(maximum), users)
    firsts = list(dict.fromkeys(users))
    winners = [user for user, what in zip(users, found, strict=True) if what == "issued"]
    assert winners == firsts[:maximum]
    assert again.issued == len(winners) <= maximum
    # And whoever holds one already is told so, and takes it from nobody
    for place, (user, what) in enumerate(zip(users, found, strict=True)):
        if user in winners and user in users[:place]:
            assert what == "C006"


def test_a_request_accepted_before_the_expiry_is_served_after_it() -> None:
    supply = a_supply(1, expires_at=NOW)
    with pytest.raises(CouponExpired):
        supply.check(1, NOW)
    supply.check(1, NOW - TICK)


def test_issuing_without_looking_is_a_mistake() -> None:
    supply = a_supply(1)
    supply.issue(1)
    with pytest.raises(ValueError):
        supply.issue(2)
    with pytest.raises(AlreadyIssued):
        supply.check(1, NOW)


def a_holding(
    used: bool = False, minimum: int = 0, expires_at: datetime = NOW + DAY
) -> HeldCoupon:
    return HeldCoupon(
        1, 7, 42, Discount(DiscountType.FIXED, 100), minimum, expires_at, used
    )


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        (a_holding(used=True), CouponUsed),
        (a_holding(minimum=1_001), BelowMinimum),
        (a_holding(expires_at=NOW), CouponExpired),
    ],
)
def test_a_coupon_that_an_order_cannot_use(held: HeldCoupon, refused: type[DomainError]) -> None:
    with pytest.raises(refused):
        held.discount_on(1_000, NOW)


def test_a_coupon_is_used_up_to_its_last_millisecond_and_from_its_minimum_on() -> None:
    assert a_holding(minimum=1_000, expires_at=NOW + TICK).discount_on(1_000, NOW) == 100


@pytest.mark.parametrize(
    ("used_at", "expires_at", "status"),
    [
        (None, NOW + TICK, HoldingStatus.AVAILABLE),
        (None, NOW, HoldingStatus.EXPIRED),
        (NOW - DAY, NOW, HoldingStatus.USED),
        (NOW - DAY, NOW + DAY, HoldingStatus.USED),
    ],
)
def test_status(used_at: datetime | None, expires_at: datetime, status: HoldingStatus) -> None:
    assert holding_status(used_at, expires_at, NOW) is status


def a_new_coupon(
    kind: DiscountType = DiscountType.FIXED,
    value: int = 500,
    starts_at: datetime | None = None,
    expires_at: datetime = NOW + DAY,
) -> NewCoupon:
    return NewCoupon("drop", Discount(kind, value), 10, expires_at, starts_at=starts_at)


@pytest.mark.parametrize(
    ("new", "pointer"),
    [
        (a_new_coupon(DiscountType.PERCENTAGE, 101), "/discountValue"),
        (a_new_coupon(expires_at=NOW), "/expiresAt"),
        (a_new_coupon(starts_at=NOW + DAY), "/startsAt"),
    ],
)
def test_a_coupon_whose_parts_do_not_go_together(new: NewCoupon, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_new(new, NOW)
    assert refused.value.problem()["errors"][0]["pointer"] == pointer


def test_a_coupon_whose_parts_go_together() -> None:
    check_new(a_new_coupon(DiscountType.PERCENTAGE, 100, NOW, NOW + TICK), NOW)
    check_new(a_new_coupon(DiscountType.FIXED, 101), NOW)


def test_a_total_never_falls_below_what_is_issued() -> None:
    check_quantity(5, issued=5)
    with pytest.raises(InvalidRequest):
        check_quantity(4, issued=5)
