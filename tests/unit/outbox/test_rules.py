"""The relay's decisions."""

import uuid
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from domain.outbox import rules
from domain.outbox.events import TOPICS
from domain.outbox.rules import Outcome, Pending, Plan, Verdict

LIMIT = 100_000
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def event(
    number: int,
    aggregate: int = 1,
    *,
    kind: str = "order",
    size: int = 100,
    attempts: int = 0,
    traceparent: str | None = TRACEPARENT,
) -> Pending:
    return Pending(
        number, uuid.UUID(int=number).bytes, kind, aggregate, "order.completed", b"x" * size,
        traceparent, "2026-11-23 22:01:58.123", attempts,
    )


# ── delivery reports ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["MSG_SIZE_TOO_LARGE", "INVALID_RECORD", "_INVALID_DIFFERENT_RECORD"]
)
def test_a_refused_batch_makes_suspects(name: str) -> None:
    assert rules.verdict(getattr(KafkaError, name)) is Verdict.SUSPECT


@pytest.mark.parametrize(
    "name", ["_PURGE_QUEUE", "_PURGE_INFLIGHT", "_FATAL", "_GAPLESS_GUARANTEE"]
)
def test_what_was_given_up_with_another_says_nothing(name: str) -> None:
    assert rules.verdict(getattr(KafkaError, name)) is Verdict.BYSTANDER


@pytest.mark.parametrize(
    "name",
    [
        "_MSG_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION",
        "UNKNOWN_TOPIC_OR_PART", "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED",
        "NOT_ENOUGH_REPLICAS", "NOT_LEADER_FOR_PARTITION", "KAFKA_STORAGE_ERROR",
        "OUT_OF_ORDER_SEQUENCE_NUMBER", "INVALID_TIMESTAMP", "INVALID_MSG", "UNKNOWN",
    ],
)
def test_everything_else_is_kafkas(name: str) -> None:
    assert rules.verdict(getattr(KafkaError, name)) is Verdict.AWAY


def test_a_failed_event_waits_5_10_20_seconds_up_to_five_minutes_and_then_is_dead() -> None:
    waits = [rules.retry_seconds(attempts, 9) for attempts in range(1, 10)]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, None]


def test_the_only_attempt_is_the_last_one() -> None:
    assert rules.retry_seconds(1, 1) is None


# ── the plan of a batch ───────────────────────────────────────────────────────────────────────────


def test_ordinary_events_go_together_in_their_order() -> None:
    events = [event(1), event(2, 2), event(3)]
    assert rules.plan(events, LIMIT) == Plan(together=events)


def test_an_event_too_large_is_refused_and_holds_back_its_aggregate_only() -> None:
    # Given a large event of aggregate 1 between small ones
    large, room = event(2, size=LIMIT - rules.HEADER_ROOM + 1), event(5, 2, size=LIMIT - 1024)
    # When the batch is planned
    plan = rules.plan([event(1), large, event(3), event(4, 2), room], LIMIT)
    # Then what is behind it waits, and one that just fits goes
    assert [e.id for e in plan.together] == [1, 4, 5]
    assert [(e.id, reason) for e, reason in plan.refused] == [
        (2, f"payload of {LIMIT - 1023} bytes, {LIMIT - 1024} at most")
    ]


def test_an_aggregate_type_without_a_topic_is_refused() -> None:
    plan = rules.plan([event(1, kind="parcel"), event(2)], LIMIT)
    assert [e.id for e in plan.together] == [2]
    assert plan.refused == [
        (event(1, kind="parcel"), "no topic for aggregate type parcel")
    ]


def test_an_event_refused_before_goes_alone_and_nothing_behind_it() -> None:
    plan = rules.plan([event(1, attempts=2), event(2), event(3, 2)], LIMIT)
    assert [e.id for e in plan.alone] == [1]
    assert [e.id for e in plan.together] == [3]


EVENTS = st.lists(
    st.builds(
        lambda aggregate, size, attempts, kind: event(
            0, aggregate, size=size, attempts=attempts, kind=kind
        ),
        st.integers(1, 4),
        st.sampled_from([10, LIMIT]),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from([*TOPICS, "parcel"]),
    )
).map(lambda events: [e._replace(id=at) for at, e in enumerate(events, 1)])


@given(EVENTS)
def test_no_event_is_sent_behind_one_that_is_not(events: list[Pending]) -> None:
    plan = rules.plan(events, LIMIT)
    sent = {e.id for e in plan.together}
    for later in plan.together + plan.alone:
        for earlier in events[: later.id - 1]:
            if earlier[2:4] == later[2:4]:
                assert earlier.id in sent
    assert [e.id for e in plan.together] == sorted(sent)


@given(EVENTS, st.data())
def test_what_goes_alone_has_nothing_unconfirmed_before_it(
    events: list[Pending], data: st.DataObject
) -> None:
    # Given a planned batch with any outcome
    plan = rules.plan(events, LIMIT)
    fates = [data.draw(st.sampled_from(["confirmed", "suspect", "lost"])) for _ in plan.together]
    pairs = list(zip(plan.together, fates, strict=True))
    outcome = Outcome(
        confirmed=[e for e, fate in pairs if fate == "confirmed"],
        suspects=[(e, "too large") for e, fate in pairs if fate == "suspect"],
    )
    # When the next ones are chosen
    rest = rules.after(plan, outcome)
    chosen = rest.alone
    # Then each is a suspect or was planned so, and all before it of its aggregate are confirmed
    assert rest.together == []
    assert set(rest.refused) <= set(plan.refused)
    confirmed = {e.id for e in outcome.confirmed}
    suspects = [e for e, _ in outcome.suspects]
    assert chosen == sorted(chosen)
    assert all(e in suspects or e in plan.alone for e in chosen)
    for later in chosen + [e for e, _ in rest.refused]:
        for earlier in events[: later.id - 1]:
            if earlier[2:4] == later[2:4]:
                assert earlier.id in confirmed


def test_every_suspect_with_all_before_it_confirmed_is_chosen() -> None:
    plan = rules.plan([event(1), event(2), event(3, 2), event(4, 3)], LIMIT)
    outcome = Outcome(
        confirmed=[event(1)], suspects=[(event(2), "too large"), (event(3, 2), "too large")]
    )
    assert [e.id for e in rules.after(plan, outcome).alone] == [2, 3]


def test_an_event_at_fault_has_its_turn_only_when_those_before_it_are_confirmed() -> None:
    # Given an event that is too large behind one that Kafka did not take
    plan = rules.plan([event(1), event(2, size=LIMIT), event(3, 2, size=LIMIT)], LIMIT)
    # Then it uses no attempt, and another aggregate's does
    rest = rules.after(plan, Outcome(failures={"orders.events": "stalled"}))
    assert [e.id for e, _ in rest.refused] == [3]


# ── headers ───────────────────────────────────────────────────────────────────────────────────────


@given(
    st.uuids(),
    st.sampled_from(sorted(TOPICS)),
    st.integers(1, 2**63 - 1),
    st.datetimes(timezones=st.just(UTC)).filter(lambda instant: 2000 <= instant.year < 3000),
)
def test_headers_are_those_of_the_cloudevents_library(
    event_id: uuid.UUID, kind: str, aggregate: int, instant: datetime
) -> None:
    # Given the same event for us and for the CloudEvents SDK
    instant = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    made = instant.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    ours = Pending(1, event_id.bytes, kind, aggregate, "order.completed", b"{}", None, made, 0)
    theirs = CloudEvent(
        {
            "specversion": "1.0",
            "id": str(event_id),
            "type": "order.completed",
            "source": f"/shop/{TOPICS[kind].split('.')[0]}",
            "subject": str(aggregate),
            "time": instant,
            "datacontenttype": "application/json",
        },
        {},
    )
    # When both are bound to Kafka in binary mode
    mine = {name: str(value).encode() for name, value in rules.headers(ours)}
    binding = dict(to_binary(theirs, JSONFormat()).headers)
    # Then the headers are the same, the instant in its RFC 3339 spelling
    assert _instant(mine.pop("ce_time")) == _instant(binding.pop("ce_time"))
    assert mine == binding


def _instant(text: bytes) -> datetime:
    return datetime.fromisoformat(text.decode())


def test_time_is_rfc_3339_with_milliseconds() -> None:
    assert dict(rules.headers(event(1)))["ce_time"] == "2026-11-23T22:01:58.123Z"


def test_the_trace_goes_on_only_where_there_is_one() -> None:
    assert dict(rules.headers(event(1)))["traceparent"] == TRACEPARENT
    assert "traceparent" not in dict(rules.headers(event(1, traceparent=None)))
