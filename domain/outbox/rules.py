"""Decisions of the relay. Pure: values in, decision out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from domain.kernel.backoff import Backoff
from domain.outbox.events import TOPICS, source_of

RETRY = Backoff(base=5.0, cap=300.0)
"""An event that was refused for what it is: 5, 10, 20 … s, five minutes at most."""
AWAY = Backoff(base=5.0, cap=30.0)
"""Kafka, or one topic of it, being away. A shorter cap: asking again costs little, and nobody's
attempts."""

HEADER_ROOM = 1024
"""Bytes of a record that its payload may not use: key, headers and framing stay well below."""

Header = tuple[str, str | bytes | None]
"""As the Kafka client takes it; ours are all text."""


class Pending(NamedTuple):
    """An event that waits, as the store reads it. ``created_at`` is MySQL's text of UTC, with
    milliseconds; ``payload`` UTF-8 JSON."""

    id: int
    event_id: bytes
    aggregate_type: str
    aggregate_id: int
    type: str
    payload: bytes
    traceparent: str | None
    created_at: str
    attempts: int


class Verdict(Enum):
    """What the delivery report of one event means for it."""

    SUSPECT = auto()
    """Its batch was refused for what is in it; sent alone, the event itself is at fault."""
    BYSTANDER = auto()
    """It was given up because of another event, or by ourselves: nothing is said of it."""
    AWAY = auto()
    """Kafka or the topic cannot take it now, which is not its doing."""


# Error codes of the Kafka protocol, and below zero of librdkafka. The broker judges a batch as a
# whole, so the first three name a suspect, not a culprit. INVALID_TIMESTAMP is not among them: a
# record's timestamp is the moment of sending, so what that error blames is a clock, and it would
# use up the attempts of every event at once.
_SUSPECT = {10: "MSG_SIZE_TOO_LARGE", 87: "INVALID_RECORD", -138: "_INVALID_DIFFERENT_RECORD"}
_BYSTANDER = {
    -152: "_PURGE_QUEUE", -151: "_PURGE_INFLIGHT", -150: "_FATAL", -148: "_GAPLESS_GUARANTEE"
}


def verdict(code: int) -> Verdict:
    """The meaning of a failed delivery's error code (of librdkafka or the broker)."""
    if code in _SUSPECT:
        return Verdict.SUSPECT
    if code in _BYSTANDER:
        return Verdict.BYSTANDER
    return Verdict.AWAY


@dataclass(slots=True)
class Outcome:
    """What became of a batch. An event in none of the three was given up unsent or unanswered, for
    no reason of its own: it simply goes again."""

    confirmed: list[Pending] = field(default_factory=list)
    suspects: list[tuple[Pending, str]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Topics that could not take events, each with the reason."""


@dataclass(slots=True)
class Plan:
    """How the events of one read are sent. Whatever is in none of the three waits for a later one,
    because an event of its aggregate stands in ``alone`` or ``refused`` before it."""

    together: list[Pending] = field(default_factory=list)
    alone: list[Pending] = field(default_factory=list)
    """Refused before: apart, so that they take no innocent one with them."""
    refused: list[tuple[Pending, str]] = field(default_factory=list)
    """At fault on sight, with the reason."""


def plan(events: Sequence[Pending], max_message_bytes: int) -> Plan:
    """Sort out ``events``, which are in the order of each aggregate."""
    result = Plan()
    together = result.together
    behind = set[tuple[str, int]]()
    largest = max_message_bytes - HEADER_ROOM
    for event in events:
        if behind and (event.aggregate_type, event.aggregate_id) in behind:
            continue
        if len(event.payload) <= largest and event.aggregate_type in TOPICS and not event.attempts:
            together.append(event)
            continue
        behind.add((event.aggregate_type, event.aggregate_id))
        reason = _fault(event, largest)
        if reason:
            result.refused.append((event, reason))
        else:
            result.alone.append(event)
    return result


def _fault(event: Pending, largest: int) -> str | None:
    if event.aggregate_type not in TOPICS:
        return f"no topic for aggregate type {event.aggregate_type}"
    if len(event.payload) > largest:
        return f"payload of {len(event.payload)} bytes, {largest} at most"
    return None


def after(plan: Plan, outcome: Outcome) -> Plan:
    """What is still to be done once ``plan.together`` has had that ``outcome``.

    ``alone``: the suspects, and those planned so, in order of ids; ``refused``: as planned. Of each
    aggregate at most one of all these, and nothing behind an event that was not confirmed: it has
    not had its turn.
    """
    confirmed = {event.id for event in outcome.confirmed}
    suspected = {event.id for event, _ in outcome.suspects}
    first_open = dict[tuple[str, int], Pending]()
    for event in plan.together:
        if event.id not in confirmed:
            first_open.setdefault((event.aggregate_type, event.aggregate_id), event)
    suspects = [event for event in first_open.values() if event.id in suspected]
    known = [e for e in plan.alone if (e.aggregate_type, e.aggregate_id) not in first_open]
    refused = [
        (e, reason)
        for e, reason in plan.refused
        if (e.aggregate_type, e.aggregate_id) not in first_open
    ]
    return Plan(alone=sorted(suspects + known), refused=refused)


def retry_seconds(attempts: int, max_attempts: int) -> float | None:
    """Seconds until the next attempt after the ``attempts``-th failed; None: there is none."""
    return None if attempts >= max_attempts else RETRY.exact(attempts)


_FIXED: dict[str, list[Header]] = {
    aggregate_type: [
        ("ce_specversion", "1.0"),
        ("content-type", "application/json"),
        ("ce_source", source_of(aggregate_type)),
    ]
    for aggregate_type in TOPICS
}


def headers(event: Pending) -> list[Header]:
    """CloudEvents 1.0 in binary mode, by the Kafka protocol binding (section 3.2).

    By hand, since the library's objects take more time than sending does; a test compares the two.
    ``traceparent`` goes under its W3C name, where tracers look for it.
    """
    made, uuid = event.created_at, event.event_id.hex()
    result: list[Header] = [
        *_FIXED[event.aggregate_type],
        ("ce_id", f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"),
        ("ce_type", event.type),
        ("ce_time", f"{made[:10]}T{made[11:]}Z"),
        ("ce_subject", str(event.aggregate_id)),
    ]
    if event.traceparent:
        result.append(("traceparent", event.traceparent))
    return result
