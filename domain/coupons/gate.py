"""The gate: who is let in for a coupon, and in which place.

It locks nothing but the gate's row, just before the jobs are inserted, and holds it until their
commit. So sequence numbers are seen in the order in which they are given, which ids are not.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from domain.coupons import gate_store
from domain.coupons.rules import refusal
from domain.jobs.kinds import Admission, Command
from domain.kernel.errors import DomainError, Unavailable

TRIES = 3
"""A gate that refused and then reads as open was opened in between: it is asked again."""


def admit(
    commands: Sequence[Command], clock: Callable[[], datetime]
) -> Sequence[Admission | DomainError]:
    """Give each request its sequence number in the order asked for, coupon by coupon, or refuse.

    ``clock`` tells the instant that the jobs bear as their acceptance; the gate judges opening and
    expiry by the same one.
    """
    at = clock()
    places: dict[int, list[int]] = {}
    for place, command in enumerate(commands):
        places.setdefault(command.payload["couponId"], []).append(place)
    answers: dict[int, Admission | DomainError] = {}
    for coupon_id in sorted(places):  # in one order, so that two batches never wait in a circle
        asking = places[coupon_id]
        first = _enter(coupon_id, len(asking), at)
        for offset, place in enumerate(asking):
            answers[place] = first if isinstance(first, DomainError) else Admission(first + offset)
    return [answers[place] for place in range(len(commands))]


def _enter(coupon_id: int, count: int, at: datetime) -> int | DomainError:
    """The first of ``count`` new sequence numbers, or why there are none."""
    for _ in range(TRIES):
        last = gate_store.advance(coupon_id, count, at)
        if last is not None:
            return last - count + 1
        closed = refusal(gate_store.find(coupon_id), at)
        if closed is not None:
            return closed
    return Unavailable("The coupon is being changed.")
