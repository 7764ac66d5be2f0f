"""An in-memory stand-in for Kafka, only ever used where KAFKA_STAND_IN=1 asks for it.

It is librdkafka's mock cluster, in a process of its own: clients may connect, but it keeps nothing,
so what was published is gone when it ends. Good for a look at the rest where no JVM can be had.
"""

import signal
import sys
from pathlib import Path
from typing import ClassVar

from confluent_kafka import Producer

from fleet.services.base import LocalService, Role
from fleet.services.checks import kafka_cluster

VARIABLE = "KAFKA_STAND_IN"
WARNING = (
    f"!!! {VARIABLE}=1: a stand-in in memory takes Kafka's place. It keeps no event, and what runs "
    "with it proves nothing. !!!"
)


class KafkaStandIn(LocalService):
    role: ClassVar[Role] = "kafka"
    name: ClassVar[str] = "kafka-stand-in"
    label: ClassVar[str] = "Kafka's stand-in"
    stop_seconds: ClassVar[float] = 5

    @property
    def url(self) -> str:
        """Chosen by librdkafka anew at each start."""
        return self._address.read_text()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def _address(self) -> Path:
        return self.layout.run / f"{self.name}.address"

    def ready(self) -> bool:
        return self.running() and self._address.exists() and kafka_cluster(self.url) is not None

    def _reserve_ports(self) -> None:
        """None to reserve."""

    def _own_ports(self) -> list[int]:
        return []

    def _prepare(self) -> None:
        self._address.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "fleet.services.kafka_stand_in", str(self._address)]


def main(address: Path) -> None:
    """Hold the mock cluster until told to end; `address` is written once it listens."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    draft = address.with_suffix(".new")
    draft.write_text(f"{broker.host}:{broker.port}")
    draft.replace(address)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
