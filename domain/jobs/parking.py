"""Parked jobs, for the slice that asks for what they wait for; in that slice's transaction.

Its own rows are locked before those of ``jobs``, as a handler does. Waking the lane after the
commit is the caller's; the sweeper makes up for it.
"""

from collections.abc import Sequence

from domain.jobs import parking_store
from domain.jobs.kinds import Lane
from domain.jobs.rules import HOLD_SECONDS

PARKED_HOLD_SECONDS = HOLD_SECONDS - 2.0
"""How long a parked job holds its key before it is let go: whoever ends holds looks every 2 s, and
all must be over after :data:`HOLD_SECONDS`."""


def resume(ids: Sequence[int], lane: Lane) -> int:
    """What these jobs waited for is there: each is queued again, at its place in its key.

    One that was let go queues by itself and is done at once, whatever else its user has waiting.
    Returns how many were parked.
    """
    return parking_store.resume(ids, lane) if ids else 0


def let_go(ids: Sequence[int]) -> int:
    """These have held back the later ones of their key for long enough; they stay ``running``.

    Returns how many still held a key.
    """
    return parking_store.let_go(ids) if ids else 0
