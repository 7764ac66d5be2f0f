"""Clock, ids, money and backoff."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.coupons.errors import BelowMinimum
from domain.kernel.backoff import Backoff
from domain.kernel.clock import rfc3339, utc_naive
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.ids import parse_uuid, uuid7
from domain.kernel.money import percentage_of


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    seoul = timezone(timedelta(hours=9))
    instant = datetime(2026, 11, 23, 9, 0, 0, 123999, tzinfo=seoul)
    assert rfc3339(instant) == "2026-11-23T00:00:00.123Z"
    assert rfc3339(utc_naive(instant)) == "2026-11-23T00:00:00.123Z"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        utc_naive(datetime(2026, 1, 1))  # noqa: DTZ001


def test_uuid7_says_its_version_and_grows_with_time() -> None:
    before = int(datetime.now(UTC).timestamp() * 1000)
    one = uuid7()
    assert one.version == 7
    assert one.variant == "specified in RFC 4122"
    assert one.int >> 80 >= before


def test_no_two_ids_are_alike_however_many_threads_make_them() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [*threads.map(lambda _: [uuid7() for _ in range(1_000)], range(16))]
    assert len({one.int & (2**62 - 1) for some in made for one in some}) == 16_000


def test_a_forked_process_makes_ids_of_its_own() -> None:
    # Given a process that has fetched randomness for ids that it has not made yet
    uuid7()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, uuid7().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    # Then its next ids are not those of a process forked from it
    theirs = UUID(bytes=os.read(reading, 16))
    assert theirs.int & (2**62 - 1) not in {uuid7().int & (2**62 - 1) for _ in range(1_000)}


@pytest.mark.parametrize("text", ["", "x", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810"])
def test_an_id_has_one_spelling(text: str) -> None:
    assert parse_uuid(text) is None


@given(st.integers(0, 10**15), st.integers(1, 100))
def test_a_percentage_rounds_down_and_is_never_more_than_all(amount: int, percent: int) -> None:
    part = percentage_of(amount, percent)
    assert 0 <= part <= amount
    assert part * 100 <= amount * percent < (part + 1) * 100


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_backoff_doubles_up_to_its_cap(attempt: int, chance: float) -> None:
    backoff = Backoff(base=5, cap=300)
    assert backoff.exact(1) == 5
    assert backoff.exact(attempt) <= 300
    assert backoff.exact(attempt + 1) >= backoff.exact(attempt)
    assert 0 <= backoff.jittered(attempt, lambda: chance) <= backoff.exact(attempt)


@pytest.mark.parametrize("refusal", [BelowMinimum(1_000), Unavailable("Later.", retry_after=7)])
def test_a_refusal_is_raised_again_as_another_exception(refusal: DomainError) -> None:
    with pytest.raises(type(refusal)):
        raise refusal

    fresh = refusal.again()

    assert fresh is not refusal
    assert fresh.__traceback__ is None
    assert (type(fresh), fresh.problem(), fresh.retry_after, str(fresh)) == (
        type(refusal), refusal.problem(), refusal.retry_after, str(refusal)
    )
