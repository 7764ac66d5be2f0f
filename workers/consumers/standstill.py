"""Whether a consumer gets nothing although Kafka has something for it.

librdkafka has had more than one way to stop fetching without a word (its issue 2933 tells of one).
Nothing is lost by it, but nothing goes on either, until the process is started anew.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, Message, TopicPartition

STILL_SECONDS = 30.0
"""How long nothing comes of a partition before Kafka is asked what it has there, and again until
that is held against the client."""
ANSWER_SECONDS = 3.0

log = structlog.get_logger(__name__)


class StoodStill(Exception):
    """Messages wait, and do not come."""


@dataclass
class _Partition:
    """``since``: when something came, or was looked for; ``waits``: the offset of the message that
    waited then."""

    since: float
    waits: int | None = None


class Standstill:
    """Holds against the client that a message waited at two looks in a row, and did not come.

    Not that Kafka does not say: it may be away, or a partition without a leader.

    It asks for nothing that the client may take for ever to answer: ``assignment()`` would, and
    hold all of Python meanwhile. So it has to be told of the partitions.
    """

    def __init__(
        self, client: Consumer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._ours: dict[tuple[str, int], _Partition] = {}

    def assigned(self, _client: Consumer, places: Sequence[TopicPartition]) -> None:
        """These are the client's from now on."""
        now = self._clock()
        self._ours |= {(place.topic, place.partition): _Partition(now) for place in places}

    def revoked(self, _client: Consumer, places: Sequence[TopicPartition]) -> None:
        """These no longer are."""
        for place in places:
            self._ours.pop((place.topic, place.partition), None)

    def read(self, messages: Sequence[Message], *, all_there_were: bool) -> None:
        """These have come. Behind a part of what there was, others' messages may stand in line."""
        came = {(message.topic(), message.partition()) for message in messages}
        now = self._clock()
        for place in self._ours:
            if place in came or not all_there_were:
                self._ours[place] = _Partition(now)

    def look(self) -> None:
        """Ask about one partition of which nothing came for long, if there is any; takes as long
        as two answers of Kafka at most. Raises StoodStill."""
        now = self._clock()
        late = [place for place, one in self._ours.items() if now - one.since >= STILL_SECONDS]
        if late:
            place = min(late, key=lambda one: self._ours[one].since)
            self._ours[place] = self._looked(TopicPartition(*place), self._ours[place])

    def _looked(self, place: TopicPartition, before: _Partition) -> _Partition:
        try:
            waits = self._waits(place)
        except KafkaException as error:
            log.info("Kafka does not say what it has for us", error=str(error))
            waits = None
        if waits is not None and waits == before.waits:
            where = f"{place.topic}[{place.partition}]"
            raise StoodStill(f"{where}: the message at {waits} does not come")
        return _Partition(self._clock(), waits)

    def _waits(self, place: TopicPartition) -> int | None:
        """The offset of the next message to read, if it is there. Raises KafkaException."""
        low, high = self._client.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
        [read] = self._client.position([place])
        if read.offset == OFFSET_INVALID:  # nothing read yet: where the group was, or the beginning
            [read] = self._client.committed([place], timeout=ANSWER_SECONDS)
            if read.error is not None:
                raise KafkaException(read.error)
        offset = max(int(read.offset), low)
        return offset if offset < high else None
