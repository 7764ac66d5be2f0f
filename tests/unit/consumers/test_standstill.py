"""When a client is held to stand still, by what it and Kafka say of its partitions."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from workers.consumers.standstill import STILL_SECONDS, Standstill, StoodStill

TOPIC = "orders.events"
LATE = STILL_SECONDS + 1


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Place:
    """A TopicPartition, whose error can be given."""

    partition: int
    offset: int
    error: KafkaError | None


class Client:
    """What Kafka's client would say: each partition's first and next offset, and what was read."""

    def __init__(self) -> None:
        self.holds: dict[int, tuple[int, int]] = {0: (0, 0), 1: (0, 0)}
        self.read = {0: OFFSET_INVALID, 1: OFFSET_INVALID}
        self.committed_at = {0: OFFSET_INVALID, 1: OFFSET_INVALID}
        self.away = False
        self.unknown_group = False
        self.asked: list[int] = []

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        self.asked.append(place.partition)
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return self.holds[place.partition]

    def position(self, places: Iterable[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, one.partition, self.read[one.partition]) for one in places]

    def committed(
        self, places: Iterable[TopicPartition], timeout: float
    ) -> list[Place]:
        assert timeout > 0
        error = KafkaError(KafkaError.NOT_COORDINATOR) if self.unknown_group else None
        return [Place(one.partition, self.committed_at[one.partition], error) for one in places]


class Message:
    def __init__(self, partition: int) -> None:
        self._partition = partition

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._partition


class Watched:
    """A standstill's client, clock and partitions 0 and 1."""

    def __init__(self) -> None:
        self.client = Client()
        self.clock = Clock()
        self.standstill = Standstill(self.client, self.clock)  # type: ignore[arg-type]
        self.standstill.assigned(self.client, [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)])  # type: ignore[arg-type]

    def looks(self, times: int = 1) -> None:
        """As often as both partitions are late."""
        for _ in range(times):
            self.clock.now += LATE
            self.standstill.look()
            self.standstill.look()

    def reads(self, *partitions: int, all_there_were: bool = True) -> None:
        messages = [Message(one) for one in partitions]
        self.standstill.read(messages, all_there_were=all_there_were)  # type: ignore[arg-type]


def test_a_message_that_waits_at_two_looks_is_held_against_the_client() -> None:
    watched = Watched()
    # Given a partition of which five of six were read
    watched.client.holds[1], watched.client.read[1] = (0, 6), 5
    # When it is looked at once, Then the sixth may still come
    watched.looks()
    # And at the second time it has not
    with pytest.raises(StoodStill, match=r"orders\.events\[1\]: the message at 5"):
        watched.looks()


def test_kafka_is_not_asked_about_what_flows() -> None:
    watched = Watched()
    watched.clock.now += LATE
    watched.reads(0, 1)
    watched.standstill.look()
    assert watched.client.asked == []


def test_one_partition_that_stands_still_beside_one_that_flows_is_found() -> None:
    watched = Watched()
    watched.client.holds = {0: (0, 100), 1: (0, 6)}
    watched.client.read = {0: 100, 1: 5}
    for look in range(2):
        watched.clock.now += LATE
        watched.reads(0)
        with pytest.raises(StoodStill, match=r"\[1\]") if look else nullcontext():
            watched.standstill.look()


def test_behind_a_full_batch_others_stand_in_line() -> None:
    # Given a backlog of one partition, of which each batch is full
    watched = Watched()
    watched.client.holds = {0: (0, 100_000), 1: (0, 6)}
    watched.client.read = {0: 500, 1: 5}
    # When nothing of the other comes meanwhile, Then it is not asked about
    for _ in range(10):
        watched.clock.now += LATE
        watched.reads(0, all_there_were=False)
        watched.standstill.look()
    assert watched.client.asked == []


def test_whoever_has_read_all_waits_for_ever() -> None:
    watched = Watched()
    watched.client.holds, watched.client.read = {0: (0, 6), 1: (3, 9)}, {0: 6, 1: 9}
    watched.looks(5)
    assert len(watched.client.asked) == 10


def test_another_message_that_waits_is_no_standstill() -> None:
    watched = Watched()
    watched.client.holds[0] = (0, 100)
    for read in range(5):
        watched.client.read[0] = read
        watched.looks()


def test_where_nothing_was_read_the_groups_place_counts() -> None:
    watched = Watched()
    watched.client.holds, watched.client.committed_at[0] = {0: (0, 6), 1: (0, 0)}, 6
    watched.looks(3)  # all of it was read by who had the partition before
    watched.client.committed_at[0] = 5
    with pytest.raises(StoodStill):
        watched.looks(2)


def test_what_was_deleted_before_it_was_read_does_not_wait() -> None:
    watched = Watched()
    watched.client.holds[0], watched.client.read[0] = (6, 6), 2
    watched.client.holds[1] = (6, 6)
    watched.looks(3)


def test_a_partition_that_is_anothers_now_is_none_of_ours() -> None:
    watched = Watched()
    watched.client.holds[0], watched.client.read[0] = (0, 6), 5
    watched.looks()
    watched.standstill.revoked(watched.client, [TopicPartition(TOPIC, 0)])  # type: ignore[arg-type]
    watched.looks(3)


def test_while_kafka_does_not_say_nobody_stands_still() -> None:
    watched = Watched()
    watched.client.holds[0], watched.client.read[0] = (0, 6), 5
    watched.looks()
    watched.client.away = True
    watched.looks(5)
    # And when it is back, what waited before counts anew
    watched.client.away = False
    watched.looks()
    with pytest.raises(StoodStill):
        watched.looks()


def test_a_place_of_the_group_that_kafka_does_not_tell_is_no_beginning() -> None:
    watched = Watched()
    watched.client.holds[0] = (0, 6)
    watched.client.unknown_group = True
    watched.looks(3)
