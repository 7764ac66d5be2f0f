"""The relay: carries waiting events to Kafka, each aggregate's in their order, and marks published
what Kafka confirmed and nothing else.

One round reads the oldest waiting events of our shards, sends them, and marks the confirmed ones.
There is no memory between rounds: what was not confirmed is still pending and is read again, from
the lowest id. So a crash at any point sends some events twice and loses none.

- An event refused for what it is holds back its aggregate: it waits 5, 10, 20 … s in the table,
  and is dead after its last attempt. The broker refuses whole batches, so it is sent alone before
  it is blamed.
- Anything else that fails is Kafka's: the relay, or the topic, pauses; no attempt is counted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from confluent_kafka import KafkaException

from domain.outbox import rules, store
from domain.outbox.courier import Courier, told
from domain.outbox.events import TOPICS
from domain.outbox.leadership import Leadership
from domain.outbox.marker import Marker
from domain.outbox.pauses import Pauses
from domain.outbox.pulse import Pulse
from domain.outbox.rules import Outcome, Pending
from infra.database import run_transaction, session
from infra.metrics import outbox_dead, outbox_failed

BATCH = 2000
GROUPS = 2
"""In a crowd the shards take turns in so many groups: while one's events are marked, the other's
are sent."""
ALL = -1
"""The group of all shards, for what one read takes."""
TICK_SECONDS = 5.0
STOP_SECONDS = 5.0
"""How long a relay that is told to stop waits for delivery reports."""
PROBE_AFTER_SECONDS = 5.0
"""With nothing to send, Kafka is asked so often whether it is there: /readyz shows the answer."""
PROBE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Relay:
    """One relay of this process. ``tick`` is called by one thread at a time, ``stop`` by any."""

    def __init__(
        self,
        courier: Courier,
        leadership: Leadership,
        *,
        max_attempts: int,
        batch: int = BATCH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._courier = courier
        self._leadership = leadership
        self._max_attempts = max_attempts
        self._batch = batch
        self._clock = clock
        self._pauses = Pauses()
        self._marker = Marker()
        self._crowded: set[int] = set()
        """Groups that have had more than one read takes; while there are any, ALL is not used."""
        self._pulse = Pulse(leadership, self._pauses, clock)
        self._stopping = threading.Event()
        self._give_up_at = float("inf")
        self._kafka_seen_at = float("-inf")
        self._deadline = 0.0

    def tick(self) -> int:
        """Carry what may be sent until nothing is left or five seconds have passed.

        Returns how many events were published. Raises what the database raises; Kafka's failures
        are not raised, they pause the relay.
        """
        published, self._deadline = 0, self._clock() + TICK_SECONDS
        groups = deque(range(GROUPS) if self._crowded else [ALL])
        try:
            while groups:
                if not (self._clock() < self._deadline and self._go_on() and self._kafka_answers()):
                    break
                group = groups.popleft()
                confirmed, more = self._round(group)
                published += confirmed
                if more and group == ALL:
                    self._marker.wait(ALL)  # or the groups would read its events once more
                    groups.extend(range(GROUPS))
                elif more:
                    groups.append(group)
        finally:
            self._marker.wait_for_all()
        return published

    def stop(self) -> None:
        """Let a running tick end: it waits a few seconds for what is on its way, and marks it."""
        self._give_up_at = self._clock() + STOP_SECONDS
        self._stopping.set()

    def close(self) -> None:
        """After the last tick: drop the producer, free the shards for a standby."""
        self._courier.discard()
        self._marker.close()
        self._leadership.release()

    def _go_on(self) -> bool:
        """Whether to begin anything."""
        return not self._stopping.is_set() and self._still_lead()

    def _still_lead(self) -> bool:
        """Asked all the time while events are on their way: keeps the leases."""
        self._pulse.beat()
        return bool(self._leadership.shards) and self._clock() < self._give_up_at

    def _kafka_answers(self) -> bool:
        now = self._clock()
        if self._pauses.whole(now):
            return False
        try:
            self._courier.open()
            if now - self._kafka_seen_at > PROBE_AFTER_SECONDS:
                self._courier.probe(PROBE_SECONDS)
                self._kafka_seen_at = self._clock()
                self._pauses.reachable()
        except KafkaException as error:
            self._courier.discard()
            self._pauses.unreachable(told(error.args[0]), self._clock())
            return False
        return True

    def _read(self, group: int) -> tuple[list[Pending], bool]:
        """The group's oldest events, and whether they are all that there are."""
        shards = [s for s in self._leadership.shards if group in (ALL, s % GROUPS)]
        paused = self._pauses.types(self._clock())
        with session():
            few = None
            if group not in self._crowded:
                few = store.all_pending(shards, self._batch, paused)
            events = store.pending(shards, self._batch, paused) if few is None else few
        self._note_crowd(group, len(events) >= self._batch // 2)
        return events, few is not None

    def _note_crowd(self, group: int, crowded: bool) -> None:
        groups = range(GROUPS) if group == ALL else (group,)
        if crowded:
            self._crowded.update(groups)
        else:
            self._crowded.difference_update(groups)

    def _round(self, group: int) -> tuple[int, bool]:
        """One read and all that follows. Returns how many events were published, and whether the
        group may have more that can be sent now."""
        self._marker.wait(group)
        events, all_of_them = self._read(group)
        if not events:
            return 0, not all_of_them
        plan = rules.plan(events, self._courier.max_message_bytes)
        outcome = self._send(group, plan.together)
        rest = rules.after(plan, outcome)
        for event, reason in rest.refused:
            self._refuse(event, reason)
        published, refused = len(outcome.confirmed), len(rest.refused)
        for event in rest.alone:
            if self._clock() > self._deadline or not self._may_send(event):
                break
            alone = self._send(group, [event])
            published += len(alone.confirmed)
            for culprit, reason in alone.suspects:
                self._refuse(culprit, reason)
                refused += 1
        done = all_of_them and published == len(events)
        return published, bool(published + refused) and not done

    def _may_send(self, event: Pending) -> bool:
        now = self._clock()
        return (
            self._go_on()
            and not self._pauses.whole(now)
            and event.aggregate_type not in self._pauses.types(now)
            and self._kafka_answers()
        )

    def _send(self, group: int, events: Sequence[Pending]) -> Outcome:
        """Send, have marked what is confirmed, pause for what is Kafka's."""
        if not events:
            return Outcome()
        outcome = self._courier.send(events, self._still_lead)
        if outcome.confirmed:
            self._marker.mark(group, outcome.confirmed)
            self._kafka_seen_at = self._clock()
            self._pauses.worked({TOPICS[event.aggregate_type] for event in outcome.confirmed})
        if outcome.failures:
            self._pauses.failed(outcome.failures, self._clock())
            self._kafka_seen_at = float("-inf")  # is it the topic, or all of Kafka? Ask.
        return outcome

    def _refuse(self, event: Pending, reason: str) -> None:
        """Count an attempt of an event that is itself at fault."""
        attempts = event.attempts + 1
        seconds = rules.retry_seconds(attempts, self._max_attempts)
        if seconds is None:
            changed = run_transaction(lambda: store.bury(event, reason))
            outbox_dead.labels(event.type).inc(changed)
        else:
            wait = seconds
            changed = run_transaction(lambda: store.postpone(event, wait, reason))
        if changed:
            outbox_failed.labels(event.type).inc()
            log.error(
                "event refused", row=event.id, type=event.type, aggregate=event.aggregate_id,
                attempts=attempts, dead=seconds is None, retry_seconds=seconds, reason=reason,
            )
