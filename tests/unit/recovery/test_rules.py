"""What is lost, which numbers are left behind, and when it is safe to begin."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from domain.recovery.rules import (
    Move,
    Unreadable,
    floors,
    leaps,
    mismatches,
    moves,
    obstacles,
    read,
    shown,
)

EVENT = UUID("01a20ade-9a11-7562-aba5-ac96a5f83db7")
HEADERS = {
    "ce_id": str(EVENT).encode(), "ce_type": b"order.completed", "ce_source": b"/shop/orders",
    "ce_time": b"2026-11-23T22:01:58.123Z",
}
ORDER: dict[str, Any] = {
    "schemaVersion": 1, "orderId": 71, "userId": 42, "couponId": 7,
    "items": [{"productId": 9, "quantity": 900}, {"productId": 4, "quantity": 1}],
    "createdAt": "2026-11-23T22:01:58.120Z",
}


@dataclass(frozen=True)
class Message:
    topic: str = "orders.events"
    partition: int = 2
    offset: int = 19
    key: bytes | None = b"71"
    headers: dict[str, bytes] = field(default_factory=lambda: HEADERS)
    value: bytes | None = orjson.dumps(ORDER)


@dataclass(frozen=True)
class Table:
    table: str
    highest: int
    following: int


def test_an_event_is_read_as_it_was_told() -> None:
    event = read(Message())
    assert (event.event_id, event.aggregate_type, event.aggregate_id) == (EVENT.bytes, "order", 71)
    assert event.happened_at == datetime(2026, 11, 23, 22, 1, 58, 123_000)  # noqa: DTZ001
    told = shown(event)
    assert (told["eventId"], told["type"]) == (str(EVENT), "order.completed")
    assert (told["happenedAt"], told["orderId"]) == ("2026-11-23T22:01:58.123Z", 71)
    assert "schemaVersion" not in told


@pytest.mark.parametrize(
    "message",
    [
        Message(topic="elsewhere"), Message(key=None), Message(key=b"x"), Message(value=None),
        Message(key=b"0"), Message(key=b"-71"), Message(key=str(2**53).encode()),
        Message(key=str(2**63).encode()),
        Message(value=b"\xff"), Message(value=b""), Message(headers={}),
        *(Message(value=value) for value in (b"null", b"[]", b"5", b'"order"', b"[" * 300)),
        Message(value=b'{"a":' * 300 + b"1" + b"}" * 300),
        *(Message(headers={n: v for n, v in HEADERS.items() if n != name}) for name in HEADERS),
        Message(headers={**HEADERS, "ce_source": b"/shop/wallet"}),
        Message(headers={**HEADERS, "ce_type": b""}),
        Message(headers={**HEADERS, "ce_type": b"o" * 65}),
        *(
            Message(headers={**HEADERS, "ce_time": time})
            for time in (
                b"2026-11-23T22:01:58", b"9999-12-31T23:59:59-12:00", b"0001-01-01T00:00:00+12:00",
                b"9999-12-31T23:59:59.999999Z", b"0999-01-01T00:00:00Z",
            )
        ),
        Message(value=orjson.dumps({**ORDER, "orderId": 2**53})),
        Message(value=orjson.dumps({**ORDER, "items": [{"productId": 0}]})),
    ],
    ids=str,
)
def test_what_is_no_event_of_ours_is_refused(message: Message) -> None:
    with pytest.raises(Unreadable):
        read(message)


def test_every_row_that_an_event_names_is_a_floor() -> None:
    assert floors([read(Message())]) == {
        "orders": 71, "users": 42, "coupons": 7, "products": 9,
    }
    assert floors([]) == {}


@pytest.mark.parametrize(
    ("table", "following"),
    [
        (Table("orders", 60, 61), 171 + 1),  # the event names 71
        (Table("orders", 80, 81), 181),  # a later one is there
        (Table("jobs", 0, 1), 101),  # nobody names any
        (Table("jobs", 50, 150), 151),  # less than the gap was left out
        (Table("jobs", 50, 151), None),  # as far as it is to go
        (Table("jobs", 50, 900), None),  # further already: it never goes back
    ],
)
def test_numbering_goes_on_above_all_that_is_known_and_a_gap_further(
    table: Table, following: int | None
) -> None:
    found = moves([table], {"orders": 71}, gap=100)
    expected = [Move(table.table, table.following, following)] if following else []
    assert found == expected


@pytest.mark.parametrize(
    ("known", "lost", "has_jobs", "doubts"),
    [
        (5, 5, True, []),
        (5, 6, True, ["more events are lost (6) than known (5)"]),
        (0, 0, True, []),
        (0, 0, False, ["no jobs at all"]),
        (0, 1, False, ["no jobs at all", "more events are lost"]),
    ],
)
def test_an_empty_or_another_database_is_doubted(
    known: int, lost: int, has_jobs: bool, doubts: list[str]
) -> None:
    found = mismatches(known, lost, has_jobs)
    assert len(found) == len(doubts)
    assert all(doubt in one for doubt, one in zip(doubts, found, strict=True))


@pytest.mark.parametrize(
    ("highest", "named", "doubted"),
    [
        (60, 960, False),  # ten gaps further than the next number
        (60, 961, True),
        (5_000, 9_900, False),  # as far as all that were given
        (5_000, 9_901, True),
        (60, 2**53 - 1, True),
    ],
)
def test_a_leap_is_doubted_and_the_message_named(highest: int, named: int, doubted: bool) -> None:
    table = Table("orders", highest, highest + 1)
    other = Message(offset=18)
    leaping = Message(value=orjson.dumps({**ORDER, "orderId": named}))
    lost = [read(other), read(leaping)]
    found = leaps([table], moves([table], {"orders": named}, gap=100), lost, gap=100)
    assert len(found) == doubted
    assert all("orders.events, partition 2, offset 19" in one for one in found)


def test_what_stands_in_the_way_is_named_with_what_to_do() -> None:
    assert obstacles([], []) == []
    said = obstacles(["read-only", "lane.users.paused"], ["10.0.0.5:4711"])
    assert [one.rpartition(": ")[2] for one in said[:2]] == [
        "./dev controls set read-only on", "./dev controls set lane.users.paused on",
    ]
    assert "10.0.0.5:4711" in said[2]
