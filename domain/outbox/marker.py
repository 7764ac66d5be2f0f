"""Marks confirmed events published, beside the relay: while the database writes, Kafka is fed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from domain.outbox import store
from domain.outbox.rules import Pending
from infra.database import run_transaction
from infra.metrics import outbox_not_ours, outbox_published


class Marker:
    """One thread. The relay names a group with each batch, and waits for the group's marks before
    it reads the same shards again."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox-marker")
        self._under_way = defaultdict[int, list[Future[None]]](list)

    def mark(self, group: int, confirmed: Sequence[Pending]) -> None:
        """Mark what Kafka confirmed, soon."""
        self._under_way[group].append(self._pool.submit(_mark, confirmed))

    def wait(self, group: int) -> None:
        """Until the group's events are marked. Raises what the database raised; the events then
        are still pending, and go to Kafka once more."""
        ended, _ = wait(self._under_way.pop(group, []))
        for future in ended:
            future.result()

    def wait_for_all(self) -> None:
        """The same for all groups."""
        groups = list(self._under_way)
        wait([future for group in groups for future in self._under_way[group]])
        for group in groups:
            self.wait(group)

    def close(self) -> None:
        self._pool.shutdown()


def _mark(confirmed: Sequence[Pending]) -> None:
    ids = [event.id for event in confirmed]
    marked = run_transaction(lambda: store.mark_published(ids))
    outbox_not_ours.inc(len(ids) - marked)
    for kind, count in Counter(event.type for event in confirmed).items():
        outbox_published.labels(kind).inc(count)
