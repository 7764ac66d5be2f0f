"""What of a topic is lost, which numbers must not be given again, and when it is safe. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import orjson

from domain.kernel.clock import rfc3339, utc_naive
from domain.outbox.events import TOPICS, source_of

HIGHEST_ID = 2**53
"""What JSON's readers can still tell apart; a higher number in an event is not one of ours."""

_LONGEST_TYPE = 64
"""Characters, as ``lost_events`` has it."""
_YEARS = range(1970, 9999)
"""Beyond them the database, or a time's rounding, knows no more dates."""

_NUMBERED_BY = {
    "orderId": "orders", "userCouponId": "user_coupons", "userId": "users",
    "couponId": "coupons", "productId": "products",
}
"""The members of payloads that name a row, and its table."""
_KINDS = {topic: kind for kind, topic in TOPICS.items()}


class Unreadable(ValueError):
    """A message that is no event of ours, whatever it is."""


class Message(Protocol):
    """A message as it stands on its topic."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def headers(self) -> Mapping[str, bytes]: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class LostEvent:
    """An event that reached Kafka, of which the database knows nothing; ``payload`` is its JSON."""

    event_id: bytes
    aggregate_type: str
    aggregate_id: int
    type: str
    happened_at: datetime
    payload: str
    place: str = field(default="", compare=False)
    """Where its message stands, for people."""


class Counted(Protocol):
    """A table that numbers its rows: the highest number there is, and the next that is given."""

    @property
    def table(self) -> str: ...
    @property
    def highest(self) -> int: ...
    @property
    def following(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Move:
    """A table whose next row is to be numbered ``following`` instead of ``before``."""

    table: str
    before: int
    following: int


def event_id_of(message: Message) -> bytes:
    """The id of an event, as the database stores it. Raises Unreadable."""
    try:
        return UUID(message.headers["ce_id"].decode("ascii")).bytes
    except (KeyError, ValueError) as error:
        raise Unreadable("no ce_id") from error


def read(message: Message) -> LostEvent:
    """The event that a message is, which can be kept and shown. Raises Unreadable."""
    try:
        kind = _KINDS[message.topic]
        payload = orjson.loads(message.value or b"")
        event = LostEvent(
            event_id_of(message), kind, int(message.key or b""),
            message.headers["ce_type"].decode("ascii"),
            utc_naive(datetime.fromisoformat(message.headers["ce_time"].decode("ascii"))),
            orjson.dumps(payload).decode(),
            f"{message.topic}, partition {message.partition}, offset {message.offset}",
        )
        source = message.headers["ce_source"].decode()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    if source != source_of(kind):
        raise Unreadable("from another source")
    if not isinstance(payload, dict):
        raise Unreadable("no object")
    numbers = [event.aggregate_id, *(number for _, number in _numbers(payload))]
    if not all(0 < number < HIGHEST_ID for number in numbers):
        raise Unreadable("a number that is no id")
    if not 0 < len(event.type) <= _LONGEST_TYPE or event.happened_at.year not in _YEARS:
        raise Unreadable("a type or a time that cannot be kept")
    return event


def _numbers(payload: Any) -> Iterator[tuple[str, int]]:
    """(table, id) of every row that a payload names."""
    if isinstance(payload, list):
        for one in payload:
            yield from _numbers(one)
    elif isinstance(payload, dict):
        for name, value in payload.items():
            if name in _NUMBERED_BY and isinstance(value, int):
                yield _NUMBERED_BY[name], value
            else:
                yield from _numbers(value)


def floors(events: Iterable[LostEvent]) -> dict[str, int]:
    """By table, the highest id that ``events`` name."""
    highest: dict[str, int] = {}
    for event in events:
        for table, number in _numbers(orjson.loads(event.payload)):
            highest[table] = max(number, highest.get(table, 0))
    return highest


def moves(tables: Iterable[Counted], named: Mapping[str, int], gap: int) -> list[Move]:
    """Where numbering goes on above all that is known, and ``gap`` numbers further.

    The gap is for what left no event: rows that nobody told of, and effects whose events had not
    reached Kafka. A table whose numbering is beyond that already is left out.
    """
    found = []
    for one in tables:
        following = max(one.highest, named.get(one.table, 0)) + gap + 1
        if following > one.following:
            found.append(Move(one.table, one.following, following))
    return found


def mismatches(known: int, lost: int, has_jobs: bool) -> list[str]:
    """What speaks for an empty database, or for another one than that of these topics.

    ``known``: how many events its outbox holds; ``lost``: how many are newly found to be lost.
    """
    found = []
    if not has_jobs:
        found.append("the database has no jobs at all: was the backup put back into this one?")
    if lost > known:
        found.append(
            f"more events are lost ({lost:,}) than known ({known:,}): do this database and these "
            "topics belong together?"
        )
    return found


def leaps(
    tables: Iterable[Counted], planned: Iterable[Move], lost: Sequence[LostEvent], gap: int
) -> list[str]:
    """Those of ``planned`` that leave out absurdly many numbers, and the message that asks for it.

    Such is more than ten gaps, and more than the table has ever given. Nothing takes it back.
    """
    highest = {one.table: one.highest for one in tables}
    return [
        f"{move.table} would be numbered on from {move.following:,} instead of {move.before:,}, "
        f"for ever: is the message at {_who_names(move.table, move.following - gap - 1, lost)} "
        "the shop's?"
        for move in planned
        if move.following - move.before > max(10 * gap, highest[move.table])
    ]


def _who_names(table: str, number: int, events: Iterable[LostEvent]) -> str:
    return next(
        one.place for one in events if (table, number) in _numbers(orjson.loads(one.payload))
    )


def obstacles(off: Iterable[str], others: Sequence[str]) -> list[str]:
    """What has to be done before anything may be changed; empty if nothing.

    ``off``: the controls that are needed and not on; ``others``: who else uses the database.
    """
    found = [f"the shop does not stand still: ./dev controls set {name} on" for name in off]
    if others:
        found.append(
            f"others are connected to the database ({', '.join(sorted(others))}): stop the fleet; "
            "a connection that nobody uses is gone after 20 s"
        )
    return found


def shown(event: LostEvent) -> dict[str, Any]:
    """What was lost, for a person who is to make it good: the payload, and what names the event."""
    payload = orjson.loads(event.payload)
    return {
        "eventId": str(UUID(bytes=event.event_id)),
        "type": event.type,
        "happenedAt": rfc3339(event.happened_at),
        **{name: value for name, value in payload.items() if name != "schemaVersion"},
    }
