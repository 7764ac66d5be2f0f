"""What an answer of the data platform means, and what becomes of its export. Pure.

An export dies of its own faults only. A call that fails uses up one of its tries where the
platform works for others; where the platform as a whole is away or failing, the export waits for
as long as that lasts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import orjson

from domain.kernel.backoff import Backoff

OWN_FAULT = Backoff(base=1.0, cap=300.0)
PLATFORM_AWAY = Backoff(base=1.0, cap=30.0)
LONGEST_RETRY_AFTER = 300.0

NOT_ABOUT_THE_ORDER = frozenset({401, 403, 404, 405, 408, 429, 502, 503, 504})
"""Credentials, address, load or a proxy in between: no other order would fare better."""

LONGEST_ERROR = 500


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
    @property
    def reached(self) -> bool:
        """False where no connection could be made, so the platform has seen nothing."""
        ...


class Outcome(StrEnum):
    SYNCED = "synced"
    REJECTED = "rejected"
    """The platform works, and does not want this order."""
    FAILED = "failed"
    """Something went wrong; whose fault it was shows in how other calls fare."""
    AWAY = "away"
    """The platform is not to be had, whatever the order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str | None = None
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Next:
    """After a failure: whether it used up a try, and seconds to the next call; None: dead."""

    fault: bool
    delay: float | None


def judge(event_id: UUID, reply: Reply) -> Verdict:
    """What a reply to the export of ``event_id`` means."""
    retry_after = min(reply.retry_after or 0.0, LONGEST_RETRY_AFTER)
    if reply.status is None:
        outcome = Outcome.FAILED if reply.reached else Outcome.AWAY
        return Verdict(outcome, _short(reply.error or "no answer"))
    if 200 <= reply.status < 300:
        wrong = _wrong(event_id, reply)
        return Verdict(Outcome.FAILED, _short(wrong)) if wrong else Verdict(Outcome.SYNCED)
    reason = _short(f"answered {reply.status}: {reply.body.decode(errors='replace')}")
    if reply.status in NOT_ABOUT_THE_ORDER:
        return Verdict(Outcome.AWAY, reason, retry_after)
    if 400 <= reply.status < 500:
        return Verdict(Outcome.REJECTED, reason, retry_after)
    return Verdict(Outcome.FAILED, reason, retry_after)


def _wrong(event_id: UUID, reply: Reply) -> str | None:
    """Why a 2xx answer acknowledges nothing, or None. 204 has no body that could be wrong."""
    if reply.status == 204:
        return None
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return f"answered {reply.status} with what is not JSON: {reply.body!r}"
    if not isinstance(answer, dict):
        return f"answered {reply.status} with JSON that is no object: {reply.body!r}"
    named = answer.get("eventId", str(event_id))
    if named != str(event_id):
        return f"acknowledged another event: {named}"
    return None


def after(
    verdict: Verdict,
    *,
    attempts: int,
    faults: int,
    tries: int,
    platform_works: bool,
    random: Callable[[], float],
) -> Next:
    """What becomes of an export whose call failed; ``attempts``, ``faults``: before this call."""
    fault = verdict.outcome is Outcome.REJECTED or (
        verdict.outcome is Outcome.FAILED and platform_works
    )
    if fault and faults + 1 >= tries:
        return Next(fault, None)
    if fault:
        delay = OWN_FAULT.jittered(faults + 1, random)
    else:
        delay = PLATFORM_AWAY.jittered(attempts + 1, random)
    return Next(fault, max(delay, verdict.retry_after))


def body_of(event_id: UUID, event_type: str, order: str) -> bytes:
    """What is posted: ``{"eventId", "type", "order"}``; ``order`` is the event's JSON as is."""
    head = orjson.dumps({"eventId": str(event_id), "type": event_type})
    return head[:-1] + b',"order":' + order.encode() + b"}"


def _short(text: str) -> str:
    text = text.encode(errors="replace").decode()
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"


def owed(order_status: str) -> frozenset[str]:
    """The types of the events that an order in this status must have at the platform."""
    if order_status == "CANCELLED":
        return frozenset({"order.completed", "order.cancelled"})
    return frozenset({"order.completed"})
