"""What an answer of the provider means: only a verdict about this very payment is one."""

from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments import rules
from domain.payments.rules import Judgement, Payment, Status
from infra.outgoing import Reply

KEY = UUID(int=7)
PAYMENT = Payment(KEY, 42, 500, "card")


def said(code: int, **answer: object) -> Reply:
    body = {"key": str(KEY), "amount": 500, "id": "pay_1", **answer}
    return Reply(code, orjson.dumps(body))


def judged(reply: Reply) -> Judgement:
    return rules.judge(PAYMENT, reply)


def test_it_asks_for_the_payment_under_the_jobs_id() -> None:
    assert orjson.loads(rules.body_of(PAYMENT)) == {
        "key": str(KEY), "userId": 42, "amount": 500, "currency": "KRW", "paymentMethod": "card",
    }


@pytest.mark.parametrize("code", [200, 201])
def test_approved(code: int) -> None:
    assert judged(said(code, status="approved")) == Judgement(
        Status.APPROVED, provider_id="pay_1"
    )


@pytest.mark.parametrize("code", [200, 402, 422, 400])
def test_declined_in_plain_words_whatever_the_code(code: int) -> None:
    found = judged(said(code, status="declined", reason="no money"))
    assert (found.status, found.reason, found.works) == (Status.DECLINED, "no money", True)


def test_pending_is_asked_again_and_nothing_is_wrong() -> None:
    found = judged(said(202, status="pending"))
    assert (found.status, found.works, found.wrong) == (None, True, False)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(error="timed out"), Reply(error="refused", reached=False), Reply(500, b"oops"),
        Reply(502), Reply(503, retry_after=3.0), Reply(429), Reply(408), Reply(409), Reply(425),
        said(500, status="approved"), said(500, status="declined"), said(429, status="declined"),
    ],
    ids=str,
)
def test_no_answer_leaves_it_unknown_and_tells_of_a_provider_that_fails(reply: Reply) -> None:
    found = judged(reply)
    assert (found.status, found.works, found.wrong) == (None, False, False)


@pytest.mark.parametrize(
    "reply",
    [
        said(200, status="approved", amount=501), said(200, status="approved", amount="500"),
        said(200, status="approved", amount=500.0), said(200, status="approved", amount=True),
        said(200, status="approved", key=str(UUID(int=8))), said(200, status="approved", key=None),
        said(200, status="approved", id=""), said(200, status="approved", id=7),
        said(200, status="approved", id="x" * 256), said(402, status="approved"),
        said(400, status="pending"), said(402, status="declined", amount=1),
        said(200), said(200, status="APPROVED"), said(200, status=None), said(200, status="voided"),
        Reply(200, b"<html>"), Reply(200, b"[]"), Reply(204), Reply(400, b"{}"), Reply(402, b""),
        Reply(301, b""), Reply(401, b"{}"), Reply(403), Reply(404, b"{}"), Reply(405),
    ],
    ids=str,
)
def test_what_it_must_not_answer_leaves_it_unknown_and_is_said_loudly(reply: Reply) -> None:
    found = judged(reply)
    assert (found.status, found.wrong) == (None, True)
    assert found.reason


@given(st.one_of(st.none(), st.integers(100, 599)), st.binary(max_size=80))
def test_noise_is_never_a_verdict(code: int | None, body: bytes) -> None:
    assert judged(Reply(code, body)).status is None


@pytest.mark.parametrize(
    ("reply", "status", "wrong"),
    [
        (said(200, status="voided"), Status.VOIDED, False),
        (said(202, status="pending"), None, False),
        (said(200, status="approved"), None, True),
        (said(422, status="declined"), None, True),
        (Reply(404, b'{"error":"no such payment"}'), None, True),
        (Reply(500), None, False),
    ],
    ids=str,
)
def test_only_voided_is_voided(reply: Reply, status: Status | None, wrong: bool) -> None:
    found = rules.judge_void(PAYMENT, reply)
    assert (found.status, found.wrong) == (status, wrong)


def test_it_waits_longer_each_time_and_as_long_as_asked() -> None:
    unknown = Judgement(None)
    waits = [rules.delay(unknown, attempts, lambda: 1.0) for attempts in (1, 2, 3, 50)]
    assert waits == [0.5, 1.0, 2.0, 15.0]
    assert rules.delay(Judgement(None, retry_after=9.0), 1, lambda: 1.0) == 9.0
    # But not for ever, whatever the provider asks
    assert judged(Reply(503, retry_after=86_400.0)).retry_after == 60.0


def test_reasons_fit_their_column() -> None:
    assert len(judged(Reply(500, b"x" * 9_000)).reason or "") == 500
