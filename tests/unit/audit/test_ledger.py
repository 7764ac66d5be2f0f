"""The ledger of events: what is missing, late or misplaced among what Kafka holds."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.checks.topics import Ledger
from infra.topic_reader import Record

TYPES = {"order": "orders.events", "wallet": "wallet.events"}


def event(number: int, aggregate: int = 1, kind: str = "order", **flags: bool) -> dict[str, Any]:
    return {
        "event_id": number.to_bytes(16), "aggregatetype": kind, "aggregateid": aggregate,
        "due": True, "refused": False, **flags,
    }


def record(
    offset: int, aggregate: int = 1, kind: str = "order", partition: int = 0
) -> Record:
    return Record(TYPES[kind], partition, offset, 0, str(aggregate).encode(), {})


def names(found: Any) -> list[int]:
    return [int.from_bytes(one["event"]) for one in found]


def test_what_is_in_its_place_is_no_finding() -> None:
    ledger = Ledger(iter([event(1), event(2), event(3, kind="wallet")]))
    assert ledger.see((1).to_bytes(16), record(0))
    assert ledger.see((2).to_bytes(16), record(1))
    assert ledger.see((3).to_bytes(16), record(0, kind="wallet"))
    assert names(ledger.missing()) == names(ledger.disordered()) == []


def test_a_published_event_that_was_not_seen_is_missing() -> None:
    # Given one that must be there, and one that need not
    ledger = Ledger(iter([event(1), event(2, due=False)]))
    # When nothing is seen, Then only the first is missing
    assert names(ledger.missing()) == [1]


def test_an_unknown_event_is_told_apart_from_a_misplaced_one() -> None:
    ledger = Ledger(iter([event(1, aggregate=5)]))
    assert ledger.see((9).to_bytes(16), record(0)) is None
    assert ledger.see((1).to_bytes(16), record(1, aggregate=6)) is False
    assert ledger.see((1).to_bytes(16), record(2, aggregate=5, kind="wallet")) is False
    assert ledger.see((1).to_bytes(16), record(3, aggregate=5)) is True


def test_only_the_first_appearance_counts() -> None:
    ledger = Ledger(iter([event(1), event(2)]))
    for offset, number in enumerate([1, 2, 1, 2, 1]):
        ledger.see(number.to_bytes(16), record(offset))
    assert names(ledger.disordered()) == []


def test_an_event_behind_a_later_one_is_late() -> None:
    ledger = Ledger(iter([event(1), event(2), event(3)]))
    for offset, number in enumerate([2, 1, 3]):
        ledger.see(number.to_bytes(16), record(offset))
    assert names(ledger.disordered()) == [2]


def test_one_that_was_refused_may_come_late() -> None:
    ledger = Ledger(iter([event(1, refused=True), event(2), event(3)]))
    for offset, number in enumerate([2, 3, 1]):
        ledger.see(number.to_bytes(16), record(offset))
    assert names(ledger.disordered()) == []


def test_one_aggregate_lies_in_one_partition() -> None:
    ledger = Ledger(iter([event(1), event(2)]))
    ledger.see((1).to_bytes(16), record(0, partition=0))
    ledger.see((2).to_bytes(16), record(9, partition=1))
    assert names(ledger.disordered()) == [2]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_any_interleaving_that_keeps_each_aggregates_order_holds(
    aggregates: list[int], random: Any
) -> None:
    # Given events of some aggregates, as the table has them: by aggregate, then by age
    events = sorted(enumerate(aggregates), key=lambda pair: (pair[1], pair[0]))
    ledger = Ledger(event(number, aggregate) for number, aggregate in events)
    # When they are seen in any order that keeps each aggregate's own, with repeats
    queues = {one: [n for n, a in events if a == one] for one in set(aggregates)}
    seen: list[tuple[int, int]] = []
    while any(queues.values()):
        one = random.choice([key for key, left in queues.items() if left])
        seen.append((queues[one].pop(0), one))
        if random.random() < 0.3:
            seen.append(random.choice(seen))
    for offset, (number, aggregate) in enumerate(seen):
        ledger.see(number.to_bytes(16), record(offset, aggregate))
    # Then nothing is missing and nothing is late
    assert names(ledger.missing()) == names(ledger.disordered()) == []
