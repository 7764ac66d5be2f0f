"""Bring what others remember in step with a database that was put back from a backup.

Kafka, the data platform and Redis are ahead of such a database. What they know and it does not is
lost: that is named and kept, so that audit can tell it from corruption and consumers pass it by.
Every number that they may have seen is left behind, so that none ever means two things.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from domain.admin_audit import service as admin_audit
from domain.controls import service as controls
from domain.exports import service as exports
from domain.jobs.wake import forget_wakes
from domain.kernel.clock import rfc3339
from domain.outbox import service as outbox
from domain.ranking import service as ranking
from domain.recovery import rules, store
from domain.recovery.rules import LostEvent, Move
from domain.recovery.topics import Reading, read_topics
from infra.broker import sending_broker
from infra.database import run_transaction, session
from infra.numbering import numberings, other_connections, renumber
from infra.read_cache import read_cache
from infra.redis import RedisError, answers, redis
from infra.settings import settings
from infra.topic_reader import TopicsUnreadable

GAP = 1_000_000
"""Numbers left out by default: more than a shop gives in the minutes that a relay may lag."""
_BATCH = 500
_BUILDER_PATIENCE_SECONDS = 15.0

T = TypeVar("T")


class Refused(Exception):
    """Nothing was changed, or no more: ``reasons``, each with what to do about it."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass
class Plan:
    """What was found, and what is to be done about it."""

    database_ends_at: datetime | None
    topics_begin_at: datetime
    """The topics keep what was made since; what was lost before cannot be named."""
    read: int
    unreadable: int
    lost: list[LostEvent]
    new: list[LostEvent]
    """Those of ``lost`` that were not recorded before."""
    moves: list[Move]
    exports: int
    """Order events whose export is to be made again."""
    doubts: list[str]
    """Why this may not be what is meant; empty if nothing speaks against it."""
    done: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        ends = self.database_ends_at
        return {
            "databaseEndsAt": rfc3339(ends) if ends else None,
            "topicsBeginAt": rfc3339(self.topics_begin_at),
            "eventsRead": self.read,
            "eventsUnreadable": self.unreadable,
            "eventsLost": len(self.lost),
            "eventsLostNew": len(self.new),
            "lost": [rules.shown(event) for event in self.lost],
            "numbering": [
                {"table": one.table, "before": one.before, "following": one.following}
                for one in self.moves
            ],
            "exportsAgain": self.exports,
            "doubts": self.doubts,
        }


def lost_among(event_ids: Sequence[UUID]) -> set[UUID]:
    """Those of ``event_ids`` whose effects were lost when a backup was put back."""
    if not event_ids:
        return set()
    with session():
        found = store.recorded([event_id.bytes for event_id in event_ids])
    return {UUID(bytes=event_id) for event_id in found}


def plan(gap: int = GAP) -> Plan:
    """Find out what was lost and what is to be done; changes nothing.

    Takes some 100 bytes for each event of the outbox. Where the fleet works meanwhile, an event
    that is told while this reads may be missed, and is never taken for lost. Raises Refused where
    Kafka is away or only stood in for.
    """
    with session():
        now, accepted, made = store.ends_at()
    known = _known()
    reading = _read_topics(known, now - timedelta(days=settings().retention_days))
    _pass_by_late(reading.unknown)
    lost = sorted(reading.unknown.values(), key=lambda one: (one.happened_at, one.event_id))
    with session():
        new = _not_recorded(lost)
        tables = numberings()
    moves = rules.moves(tables, rules.floors(lost), gap)
    return Plan(
        max((at for at in (accepted, made) if at is not None), default=None),
        now - reading.retention, reading.read, reading.unreadable, lost, new, moves,
        sum(map(len, exports.unheard_of(settings().retention_days))),
        [
            *rules.mismatches(len(known), len(new), accepted is not None),
            *rules.leaps(tables, moves, lost, gap),
        ],
    )


def _not_recorded(lost: list[LostEvent]) -> list[LostEvent]:
    recorded: set[bytes] = set()
    for part in _parts(lost):
        recorded |= store.recorded([one.event_id for one in part])
    return [one for one in lost if one.event_id not in recorded]


def refuse_unless_still() -> None:
    """Raises Refused while the shop accepts or works, or others use its database."""
    off = controls.needed_to_stand_still()
    with session():
        others = other_connections()
    if found := rules.obstacles(off, others):
        raise Refused(found)


def refuse_in_doubt(plan: Plan) -> None:
    """Raises Refused where ``plan`` looks like a mistake."""
    if plan.doubts:
        raise Refused([*plan.doubts, "look with --dry-run; --yes does it all the same"])


def carry_out(plan: Plan, admin_id: int, tell: Callable[[str], None] = lambda _: None) -> None:
    """Do what ``plan`` says. It can be repeated, after an error and after success.

    ``tell`` hears of each step as it begins.

    The row in the admins' book is written last: it says that all was done. Raises Refused when
    somebody else has come to the database meanwhile, RedisError, and the database's errors.
    """
    refuse_unless_still()
    if not answers():
        raise RedisError("it does not answer")
    tell("numbering")
    with session():
        for move in plan.moves:
            renumber(move.table, move.following)
    refuse_unless_still()  # whoever came meanwhile may have been given a number from before
    tell("lost events")
    found_again = _forget_what_is_there()
    for part in _parts(plan.new):
        run_transaction(partial(store.record, part))
    tell("exports")
    for arrivals in exports.unheard_of(settings().retention_days):
        for few in _parts(arrivals):
            exports.arrive(few)
    tell("Redis")
    plan.done = {"eventsFoundAgain": found_again, **_bring_redis_in_step()}
    run_transaction(lambda: admin_audit.record(admin_id, "reconcile", "database", _summary(plan)))


def _forget_what_is_there() -> int:
    """Events that were lost once and stand in the outbox now are not lost: a later backup, or the
    binary log, brought them back. Says how many."""
    return sum(
        run_transaction(partial(store.forget, [event_id for _, event_id in part]))
        for read in outbox.event_ids()
        for part in _parts(read)
    )


def _bring_redis_in_step() -> dict[str, Any]:
    """Build the ranking anew, and throw away what else was derived from the rows that are gone.

    Locks end by themselves within a lease, and the counters of rate limits count requests, which
    did happen.
    """
    forgotten = ranking.forget()
    rebuilt = ranking.rebuild(_BUILDER_PATIENCE_SECONDS)
    read_cache().forget()
    forget_wakes(redis(), sending_broker(settings()))
    return {"rankingKeysForgotten": forgotten, "rankingOrders": rebuilt.orders}


def _summary(plan: Plan) -> dict[str, Any]:
    whole = plan.as_json()
    del whole["lost"]  # lost_events has them
    return {**whole, **plan.done}


def _known() -> set[bytes]:
    """The ids of all events of the outbox."""
    return {event_id for read in outbox.event_ids() for _, event_id in read}


def _pass_by_late(unknown: dict[bytes, LostEvent]) -> None:
    """Take out what was committed since: not at the outbox's end alone, since a row has its number
    from before it is committed, and others with higher ones may have been read."""
    if unknown:
        for read in outbox.event_ids():
            for _, event_id in read:
                unknown.pop(event_id, None)


def _read_topics(known: set[bytes], kept_since: datetime) -> Reading:
    if settings().kafka_stand_in:
        raise Refused(["KAFKA_STAND_IN keeps nothing to reconcile with"])
    try:
        return read_topics(settings().kafka_bootstrap_servers, known, kept_since)
    except TopicsUnreadable as error:
        raise Refused([f"Kafka cannot be read: {error}"]) from error


def _parts(items: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, _BATCH)):
        yield part


__all__ = [
    "GAP", "Plan", "Refused", "carry_out", "lost_among", "plan", "refuse_in_doubt",
    "refuse_unless_still",
]
