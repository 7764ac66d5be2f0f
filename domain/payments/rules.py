"""What an answer of the payment provider means. Pure.

Only a verdict in plain words, about this very payment, is one. Everything else leaves the outcome
unknown, whatever the HTTP status says: the money may have moved, so the provider is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import orjson

from domain.kernel.backoff import Backoff

AGAIN = Backoff(base=0.5, cap=15.0)
LONGEST_RETRY_AFTER = 60.0
LONGEST_TEXT = 500
LONGEST_ID = 255

_PASSING = frozenset({408, 409, 425, 429})
"""4xx that say "not now", of a provider under load or with this key under way."""
_NOT_ABOUT_THE_PAYMENT = frozenset({401, 403, 404, 405})
"""Credentials or address: no other payment would fare better."""


class Status(StrEnum):
    """Where a request stands: asking → approved → booked, or asking → declined.

    What was approved and could not be booked is given back: approved → voiding → voided.
    """

    ASKING = "asking"
    APPROVED = "approved"
    BOOKED = "booked"
    DECLINED = "declined"
    VOIDING = "voiding"
    VOIDED = "voided"


class Reply(Protocol):
    """What a call brought: an answer (``status``), or the ``error`` that came instead of it."""

    @property
    def status(self) -> int | None: ...
    @property
    def body(self) -> bytes: ...
    @property
    def retry_after(self) -> float | None: ...
    @property
    def error(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Payment:
    """What is asked for: ``key`` is the job's UUID, ``amount`` is in won."""

    key: UUID
    user_id: int
    amount: int
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """``status``: what the payment has become; None where that is still unknown.

    ``works``: whether the provider does its work for others. ``wrong``: it answered what it must
    not, which somebody has to look at.
    """

    status: Status | None
    reason: str | None = None
    provider_id: str | None = None
    works: bool = True
    wrong: bool = False
    retry_after: float = 0.0


def body_of(payment: Payment) -> bytes:
    """What is posted; the protocol is in docs/payment-provider.md."""
    return orjson.dumps({
        "key": str(payment.key), "userId": payment.user_id, "amount": payment.amount,
        "currency": "KRW", "paymentMethod": payment.method,
    })


def judge(payment: Payment, reply: Reply) -> Judgement:
    """What a reply to the asking for ``payment`` means."""
    unheard = _unheard(reply)
    if unheard is not None:
        return unheard
    answer, wrong = _about(payment, reply)
    if answer is None:
        return _wrong(wrong)
    said = answer.get("status")
    if said == "declined":
        return Judgement(Status.DECLINED, short(str(answer.get("reason") or "declined")))
    if not _is_success(reply):
        return _wrong(f"answered {reply.status} and {said!r}")
    if said == "pending":
        return Judgement(None, "pending", retry_after=_retry_after(reply))
    provider_id = answer.get("id")
    if said != "approved":
        return _wrong(f"says neither approved, declined nor pending: {said!r}")
    if not isinstance(provider_id, str) or not 0 < len(provider_id) <= LONGEST_ID:
        return _wrong("approved a payment without giving it an id")
    return Judgement(Status.APPROVED, provider_id=provider_id)


def judge_void(payment: Payment, reply: Reply) -> Judgement:
    """What a reply to the voiding of ``payment`` means."""
    unheard = _unheard(reply)
    if unheard is not None:
        return unheard
    answer, wrong = _about(payment, reply)
    if answer is None:
        return _wrong(wrong)
    if _is_success(reply) and answer.get("status") == "voided":
        return Judgement(Status.VOIDED)
    if _is_success(reply) and answer.get("status") == "pending":
        return Judgement(None, "pending", retry_after=_retry_after(reply))
    return _wrong(f"did not void it: {reply.status} and {answer.get('status')!r}")


def _unheard(reply: Reply) -> Judgement | None:
    """The judgement of what is no answer about any payment, or None."""
    if reply.status is None:
        return Judgement(None, short(reply.error or "no answer"), works=False)
    text = f"answered {reply.status}: {reply.body.decode(errors='replace')}"
    if reply.status >= 500 or reply.status in _PASSING:
        return Judgement(None, short(text), works=False, retry_after=_retry_after(reply))
    if reply.status in _NOT_ABOUT_THE_PAYMENT:
        return Judgement(None, short(text), works=False, wrong=True)
    return None


def _about(payment: Payment, reply: Reply) -> tuple[dict[str, Any] | None, str]:
    """The answer's object; None, and why not, if it is not about ``payment`` and its amount."""
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None, f"answered {reply.status} with what is not JSON: {reply.body[:200]!r}"
    if not isinstance(answer, dict):
        return None, f"answered {reply.status} with JSON that is no object: {reply.body[:200]!r}"
    if answer.get("key") != str(payment.key):
        return None, f"answered about another payment: {answer.get('key')!r}"
    if type(answer.get("amount")) is not int or answer["amount"] != payment.amount:
        return None, f"answered about {answer.get('amount')!r} won instead of {payment.amount}"
    return answer, ""


def _is_success(reply: Reply) -> bool:
    return reply.status is not None and 200 <= reply.status < 300


def _wrong(text: str) -> Judgement:
    return Judgement(None, short(text), wrong=True)


def _retry_after(reply: Reply) -> float:
    return min(reply.retry_after or 0.0, LONGEST_RETRY_AFTER)


def delay(judgement: Judgement, attempts: int, random: Callable[[], float]) -> float:
    """Seconds until an unknown outcome is asked for again; ``attempts`` with the last one."""
    return max(AGAIN.jittered(attempts, random), judgement.retry_after)


def short(text: str) -> str:
    """``text`` as a column takes it."""
    text = text.encode(errors="replace").decode()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
