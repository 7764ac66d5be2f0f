"""How a batch that failed is split."""

from datetime import datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from domain.jobs.kinds import Job
from domain.jobs.rules import halves


def job(at: int, key: str) -> Job:
    return Job(at, uuid4(), "charge", 1, key, 0, {}, datetime(2026, 1, 1), 1)  # noqa: DTZ001


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=40))
def test_each_key_keeps_its_order_and_nothing_is_lost(keys: list[str]) -> None:
    # Given a batch
    batch = [job(at, key) for at, key in enumerate(keys)]
    # When it is split
    first, second = halves(batch)
    # Then both halves are smaller, and together they are the batch
    assert first
    assert second
    assert sorted(one.id for one in [*first, *second]) == list(range(len(keys)))
    # And done one after the other they keep each key's order
    for key in set(keys):
        order = [one.id for one in [*first, *second] if one.concurrency_key == key]
        assert order == sorted(order)
