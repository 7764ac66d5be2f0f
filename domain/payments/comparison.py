"""How the provider's list and the ledger are compared, payment by payment. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from domain.payments.rules import Reply, Status, short

TAKEN = frozenset({"approved", "pending"})
"""Words of the provider for money that it has, or may have."""
SAID = TAKEN | {"declined", "voided"}
LONGEST_KEY = 255


class Kind(StrEnum):
    """Kinds of differences."""

    UNKNOWN_HERE = "unknown-here"
    """Taken there, and nobody here has asked for it."""
    NOT_BOOKED = "not-booked"
    """Taken there, and not booked here."""
    NOT_TAKEN = "not-taken"
    """Booked here; there declined, voided, or no such payment."""
    AMOUNT = "amount"
    NOT_ASKED = "not-asked"
    """Booked here without asking, though there is a provider."""


class WrongAnswer(Exception):
    """The provider answered nothing that a list could be read from."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A payment as the provider lists it; ``amount`` in won, ``created_at`` by its clock."""

    key: str
    amount: int
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    payments: list[Listed]
    following: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A request as it stands here; ``old``: for longer than the grace it has been no more."""

    key: UUID
    amount: int
    status: Status
    old: bool


@dataclass(frozen=True, slots=True)
class Difference:
    key: str
    kind: Kind
    detail: str


def compare(key: str, held: Held | None, listed: Listed | None) -> Difference | None:
    """Where the two sides of one payment contradict each other, or None.

    What is still under way here contradicts nothing until it is old.
    """
    said = listed.status if listed else "no such payment"
    taken = listed is not None and listed.status in TAKEN
    if held is None:
        text = f"{said} there, nobody here has asked for it"
        return _difference(key, Kind.UNKNOWN_HERE, text) if taken else None
    if listed is not None and taken and listed.amount != held.amount:
        return _difference(key, Kind.AMOUNT, f"{listed.amount} won there, {held.amount} here")
    text = f"{said} there, {held.status} here"
    if held.status is Status.BOOKED:
        agrees = listed is not None and listed.status == "approved"
        return None if agrees else _difference(key, Kind.NOT_TAKEN, text)
    under_way = held.status in (Status.ASKING, Status.APPROVED, Status.VOIDING)
    if not taken or (under_way and not held.old):
        return None
    return _difference(key, Kind.NOT_BOOKED, text)


def _difference(key: str, kind: Kind, text: str) -> Difference:
    return Difference(key, kind, short(text))


def read_page(reply: Reply) -> Page:
    """A page of the provider's list. Raises WrongAnswer."""
    answer = _object(reply, 200)
    payments, following = answer.get("payments"), answer.get("nextCursor")
    if not isinstance(payments, list) or not (following is None or isinstance(following, str)):
        raise WrongAnswer("a list has payments and a nextCursor")
    return Page([_listed(one) for one in payments], following or None)


def read_one(reply: Reply) -> Listed | None:
    """One payment as the provider holds it; None where it says, in JSON, that there is none.

    Raises WrongAnswer, for a 404 of a proxy too.
    """
    answer = _object(reply, 200, 404)
    return None if reply.status == 404 else _listed(answer)


def _object(reply: Reply, *statuses: int) -> dict[str, Any]:
    if reply.status not in statuses:
        raise WrongAnswer(short(reply.error or f"answered {reply.status}: {reply.body[:200]!r}"))
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise WrongAnswer(f"answered what is not JSON: {reply.body[:200]!r}") from None
    if not isinstance(answer, dict):
        raise WrongAnswer(f"answered JSON that is no object: {reply.body[:200]!r}")
    return answer


def _listed(one: Any) -> Listed:
    try:
        key, amount, status = one["key"], one["amount"], one["status"]
        created_at = datetime.fromisoformat(one["createdAt"])
    except (KeyError, TypeError, ValueError) as error:
        raise WrongAnswer(f"listed what is no payment: {error!r}") from None
    if not isinstance(key, str) or type(amount) is not int or status not in SAID:
        raise WrongAnswer(f"listed what is no payment: {short(repr(one))}")
    if created_at.tzinfo is None:
        raise WrongAnswer(f"an instant without a zone: {one['createdAt']!r}")
    return Listed(_printable(key), amount, status, created_at)


def _printable(key: str) -> str:
    """``key`` as a column takes it."""
    return key.encode("ascii", "backslashreplace").decode()[:LONGEST_KEY]


def uuid_of(key: str) -> UUID | None:
    """The job whose payment this may be; None for a key that is none of ours."""
    try:
        found = UUID(key)
    except ValueError:
        return None
    return found if str(found) == key else None
