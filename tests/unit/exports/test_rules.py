"""What an answer means, and what becomes of an export whose call failed."""

from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exports import rules
from domain.exports.rules import Outcome, Verdict
from infra.data_platform import Reply

EVENT = UUID("019365b0-0000-7000-8000-000000000001")
ACKNOWLEDGED = orjson.dumps({"eventId": str(EVENT)})


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(201, ACKNOWLEDGED), Outcome.SYNCED),
        (Reply(200, b'{"status":"ok"}'), Outcome.SYNCED),
        (Reply(204), Outcome.SYNCED),
        (Reply(200, b""), Outcome.FAILED),
        (Reply(200, b"<html>Welcome!</html>"), Outcome.FAILED),
        (Reply(200, b'"ok"'), Outcome.FAILED),
        (Reply(200, orjson.dumps({"eventId": str(uuid4())})), Outcome.FAILED),
        (Reply(302, b""), Outcome.FAILED),
        (Reply(400, b"{}"), Outcome.REJECTED),
        (Reply(409, b"{}"), Outcome.REJECTED),
        (Reply(422, b"{}"), Outcome.REJECTED),
        (Reply(401, b""), Outcome.AWAY),
        (Reply(404, b""), Outcome.AWAY),
        (Reply(408, b""), Outcome.AWAY),
        (Reply(429, b""), Outcome.AWAY),
        (Reply(500, b""), Outcome.FAILED),
        (Reply(503, b""), Outcome.AWAY),
        (Reply(error="ReadTimeoutError"), Outcome.FAILED),
        (Reply(error="NewConnectionError", reached=False), Outcome.AWAY),
    ],
)
def test_judges_a_reply(reply: Reply, outcome: Outcome) -> None:
    verdict = rules.judge(EVENT, reply)
    assert verdict.outcome is outcome
    assert (verdict.reason is None) == (outcome is Outcome.SYNCED)


@given(st.one_of(st.none(), st.integers(100, 599)), st.binary(max_size=2000), st.text())
def test_judges_anything_with_a_reason_that_fits_its_column(
    status: int | None, body: bytes, error: str
) -> None:
    verdict = rules.judge(EVENT, Reply(status, body, error=error))
    assert len(verdict.reason or "") <= rules.LONGEST_ERROR
    (verdict.reason or "").encode()


def after(outcome: Outcome, **given_: object) -> rules.Next:
    values = {"attempts": 0, "faults": 0, "tries": 3, "platform_works": True,
              "random": lambda: 1.0, **given_}
    return rules.after(Verdict(outcome, "why"), **values)  # type: ignore[arg-type]


def test_dies_of_its_last_fault_and_not_before() -> None:
    assert after(Outcome.FAILED, faults=1) == rules.Next(fault=True, delay=2.0)
    assert after(Outcome.FAILED, faults=2) == rules.Next(fault=True, delay=None)
    assert after(Outcome.REJECTED, faults=2) == rules.Next(fault=True, delay=None)


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_never_dies_of_the_platforms_being_away(attempts: int, faults: int) -> None:
    for outcome, works in ((Outcome.AWAY, True), (Outcome.AWAY, False), (Outcome.FAILED, False)):
        step = after(outcome, attempts=attempts, faults=faults, tries=1, platform_works=works)
        assert not step.fault
        assert step.delay is not None
        assert 0 < step.delay <= rules.PLATFORM_AWAY.cap


def test_a_rejection_counts_even_while_the_platform_fails_others() -> None:
    assert after(Outcome.REJECTED, platform_works=False).fault


def test_waits_at_least_as_long_as_asked_and_not_for_ever() -> None:
    # Given a platform that asks for a minute, and one that asks for a year
    for asked, granted in ((60.0, 60.0), (31_536_000.0, rules.LONGEST_RETRY_AFTER)):
        verdict = rules.judge(EVENT, Reply(503, b"", retry_after=asked))
        step = rules.after(verdict, attempts=0, faults=0, tries=3, platform_works=True,
                           random=lambda: 0.0)
        assert step.delay == granted


def test_posts_the_event_with_its_order_as_it_came() -> None:
    order = '{"schemaVersion":1,"orderId":7,"items":[]}'
    body = rules.body_of(EVENT, "order.completed", order)
    assert orjson.loads(body) == {
        "eventId": str(EVENT), "type": "order.completed", "order": orjson.loads(order)
    }


def test_a_cancelled_order_owes_both_of_its_events() -> None:
    assert rules.owed("COMPLETED") == {"order.completed"}
    assert rules.owed("CANCELLED") == {"order.completed", "order.cancelled"}
