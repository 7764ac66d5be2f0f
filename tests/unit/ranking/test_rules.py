"""Days, windows and the order of the ranking."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.ranking import rules

ZONES = st.sampled_from(
    ["Asia/Seoul", "UTC", "America/Havana", "America/Sao_Paulo", "Pacific/Apia", "Asia/Beirut"]
).map(ZoneInfo)
DAYS = st.dates(date(2010, 1, 1), date(2040, 1, 1))


def test_a_day_begins_at_the_shops_midnight() -> None:
    # Given the instants around midnight in Seoul, which is 15:00 UTC
    zone = ZoneInfo("Asia/Seoul")
    before, at = datetime(2026, 11, 23, 14, 59, 59, 999000), datetime(2026, 11, 23, 15)  # noqa: DTZ001
    # Then they are of two days, with and without a zone alike
    assert rules.day_of(before, zone) == date(2026, 11, 23)
    assert rules.day_of(at, zone) == date(2026, 11, 24)
    assert rules.day_of(at.replace(tzinfo=UTC), zone) == date(2026, 11, 24)
    assert rules.start_of(date(2026, 11, 24), zone) == at


@given(DAYS, ZONES)
def test_every_instant_of_a_days_bounds_is_of_that_day(day: date, zone: ZoneInfo) -> None:
    start, end = rules.bounds_of(day, zone)
    if start == end:
        return  # a day that a zone left out when it crossed the date line
    assert rules.day_of(start, zone) == day
    assert rules.day_of(end - timedelta(milliseconds=1), zone) == day
    assert rules.day_of(start - timedelta(milliseconds=1), zone) < day
    assert rules.day_of(end, zone) > day


@given(DAYS, st.integers(1, rules.MAX_WINDOW_DAYS))
def test_a_window_is_the_last_days_and_ends_today(today: date, days: int) -> None:
    window = rules.window(today, days)
    assert len(window) == days
    assert window[-1] == today
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(window))


@given(DAYS, st.integers(-1, 40), st.integers(-1, 1), st.integers(1, rules.MAX_WINDOW_DAYS))
def test_a_sale_reaches_every_window_that_it_is_read_in(
    today: date, age: int, clocks_apart: int, days: int
) -> None:
    # Given a sale of some days ago, and a reader whose clock may be a day off around midnight
    day, readers_today = today - timedelta(days=age), today + timedelta(days=clocks_apart)
    # Then the writer names the reader's window exactly if the sale belongs into it
    is_read = day in rules.window(readers_today, days)
    assert ((readers_today, days) in rules.windows_over(day, today)) == is_read


@given(DAYS, ZONES, st.integers(1, rules.MAX_WINDOW_DAYS))
def test_a_day_outlives_every_window_that_reads_it(
    today: date, zone: ZoneInfo, days: int
) -> None:
    end_of_today = rules.bounds_of(today, zone)[1].replace(tzinfo=UTC).timestamp()
    assert all(rules.expiry_of(day, zone) > end_of_today for day in rules.window(today, days))


@given(st.lists(st.integers(1, 2**63 - 1), unique=True))
def test_names_sort_as_ids_do_and_lead_back(ids: list[int]) -> None:
    names = [rules.member(product_id) for product_id in ids]
    assert [rules.product_of(name) for name in sorted(names)] == sorted(ids)
    assert [rules.product_of(name.encode()) for name in names] == ids


@given(
    st.dictionaries(st.integers(1, 9), st.integers(1, 5)),
    st.dictionaries(st.integers(1, 9), st.integers(1, 5)),
)
def test_differences_are_exactly_where_two_counts_disagree(
    orders: dict[int, int], ranking: dict[int, int]
) -> None:
    found = rules.differences(date(2026, 1, 1), orders, ranking)
    repaired = dict(ranking)
    for one in found:
        assert one.ranking == ranking.get(one.product_id, 0)
        repaired[one.product_id] = one.orders
    assert {key: value for key, value in repaired.items() if value} == orders
    assert (not found) == (orders == ranking)
