"""Calendar days, windows and the order of the ranking. Pure.

A day is a calendar day of the shop's time zone, and an order belongs to the day of its createdAt
whatever happens to it later: a cancel takes back from that same day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MAX_WINDOW_DAYS = 30
REBUILT_DAYS = MAX_WINDOW_DAYS + 1
"""One more than can be asked for, so that a rebuild begun just before midnight lacks no day."""

Quantities = Sequence[Sequence[int]]
"""(product id, quantity) of each line of an order."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One order counted (completed) or taken back (cancelled): each happens once an order."""

    order_id: int
    day: date
    quantities: Quantities
    taken_back: bool = False


def day_of(instant: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant; one without a zone is UTC, as the database gives it."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant.astimezone(zone).date()


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day, as the database stores instants: UTC without a zone."""
    return datetime.combine(day, time.min, zone).astimezone(UTC).replace(tzinfo=None)


def bounds_of(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first instant of a day and that of the next."""
    return start_of(day, zone), start_of(day + timedelta(days=1), zone)


def window(today: date, days: int) -> list[date]:
    """The last ``days`` calendar days, oldest first, today among them."""
    return [today - timedelta(days=back) for back in range(days - 1, -1, -1)]


def expiry_of(day: date, zone: tzinfo) -> int:
    """The Unix second from which nothing can ask for this day any more, with two days to spare."""
    gone = start_of(day + timedelta(days=REBUILT_DAYS + 1), zone)
    return int(gone.replace(tzinfo=UTC).timestamp())


def windows_over(day: date, today: date) -> list[tuple[date, int]]:
    """Every window, as (its last day, its length), that a sale of ``day`` may be read in.

    Windows that end yesterday or tomorrow are among them, since around midnight those who read
    and those who write need not agree on what today is.
    """
    return [
        (last, days)
        for last in (today - timedelta(days=1), today, today + timedelta(days=1))
        for days in range(1, MAX_WINDOW_DAYS + 1)
        if last - timedelta(days=days) < day <= last
    ]


def member(product_id: int) -> str:
    """A product's name in the sorted sets: of a fixed width, so that names sort as ids do.

    Scores are quantities below zero. An ascending read then gives the best sellers first, and
    those with the same quantity by ascending id, without any sorting outside of Redis.
    """
    return f"{product_id:019d}"


def product_of(name: bytes | str) -> int:
    """The inverse of :func:`member`."""
    return int(name)


@dataclass(frozen=True, slots=True)
class Difference:
    """A product whose quantity on one day is not what the orders say."""

    day: date
    product_id: int
    orders: int
    ranking: int


def differences(
    day: date, orders: Mapping[int, int], ranking: Mapping[int, int]
) -> list[Difference]:
    """Where the two disagree, by product id; a product that one lacks counts as 0 there."""
    return [
        Difference(day, product_id, orders.get(product_id, 0), ranking.get(product_id, 0))
        for product_id in sorted(orders.keys() | ranking.keys())
        if orders.get(product_id, 0) != ranking.get(product_id, 0)
    ]
