"""Whether a consumer gets nothing although Kafka has something for it.

librdkafka has had more than one way to stop fetching without a word (its issue 2933 tells of one).
Nothing is lost by it, but nothing goes on either, until the process is started anew.
"""

import time

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

STILL_SECONDS = 30.0
"""How long nothing comes before Kafka is asked, and again until what it said is held against us."""
ANSWER_SECONDS = 5.0

log = structlog.get_logger(__name__)

Places = dict[tuple[str, int], int]
"""The offset of the next message to read, by topic and partition."""


class StoodStill(Exception):
    """Messages wait, and do not come."""


class Standstill:
    """Held against the client: what it was to read next at two looks in a row, while nothing came.

    A topic whose last record is no message (the mark of a transaction; the relay writes none) would
    look as if one waited.
    """

    def __init__(self, client: Consumer) -> None:
        self._client = client
        self.over()

    def over(self) -> None:
        """Something has come."""
        self._since = time.monotonic()
        self._waited: Places = {}

    def look(self) -> None:
        """Nothing has come. Raises StoodStill if that has been so for too long."""
        if time.monotonic() - self._since < STILL_SECONDS:
            return
        try:
            waiting = self._waiting()
        except KafkaException as error:
            log.info("Kafka does not say what it has for us", error=str(error))
            waiting = {}  # it is away: nobody stands still for it
        stuck = [place for place, offset in waiting.items() if self._waited.get(place) == offset]
        if stuck:
            raise StoodStill(f"nothing is read of {stuck}, though there is more")
        self._since, self._waited = time.monotonic(), waiting

    def _waiting(self) -> Places:
        """Of our partitions, those that hold a message behind what was read last."""
        ours = self._client.assignment()
        found = {}
        for place in self._client.position(ours):
            low, high = self._client.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
            offset = self._next(place, low)
            if offset < high:
                found[place.topic, place.partition] = offset
        return found

    def _next(self, place: TopicPartition, low: int) -> int:
        """Nothing read yet: where the group was, or else the beginning."""
        if place.offset != OFFSET_INVALID:
            return int(place.offset)
        [known] = self._client.committed([place], timeout=ANSWER_SECONDS)
        return max(int(known.offset), low)
