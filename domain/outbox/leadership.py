"""Which shards of the outbox this process carries: one leader a shard, the others stand by.

A lease in ``shard_leases``, taken by compare-and-set on the database's clock. Leadership saves
double sending; it is not what order rests on. A leader that was stopped in the middle and woke up
late sends again what it had read, but each sender begins at the lowest waiting event of an
aggregate, so the first appearances keep their order, and marking is a compare-and-set.
"""

import os
import socket
import time
from collections.abc import Callable

from domain.outbox import store
from infra.database import run_transaction

LEASE_SECONDS = 10.0


def holder_name() -> str:
    """A name no other process has, and no later one either: host, process, random."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:32]
    return f"{host}:{os.getpid()}:{os.urandom(4).hex()}"


class Leadership:
    """The leases of one relay. Not thread-safe: the relay's tick is its only user."""

    def __init__(self, holder: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.holder = holder
        self._clock = clock
        self._held: list[int] = []
        self._until = 0.0

    @property
    def shards(self) -> list[int]:
        """The shards that are surely ours now: none once the lease may have run out.

        Measured on the host's clock from before the database was asked, so never too long.
        """
        return self._held if self._clock() < self._until else []

    def renew(self) -> None:
        """Prolong what we hold and take what is free. Raises what the database raises; what we
        know to hold then ends when it would have."""
        until = self._clock() + LEASE_SECONDS
        held = run_transaction(self._take)
        self._held, self._until = held, until

    def _take(self) -> list[int]:
        store.take_shards(self.holder, LEASE_SECONDS)
        held = store.shards_of(self.holder)
        if not held and store.add_shards():  # the first start ever; else we stand by
            return self._take()
        return held

    def release(self) -> None:
        """Give all shards up at once. Raises what the database raises; the leases then expire."""
        self._held = []
        run_transaction(lambda: store.free_shards(self.holder))
