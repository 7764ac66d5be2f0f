"""A private Apache Kafka: broker and controller in one JVM (KRaft), from plain jars."""

import base64
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import ClassVar

from fleet.console import StartError, last_lines
from fleet.packages import java
from fleet.services import kafka_jars
from fleet.services.base import LocalService, Role, listening
from fleet.services.checks import kafka_cluster

_CONTROLLER = "kafka-controller"

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={directory}

# Topics are the application's to make, with the partitions it counts on.
auto.create.topics.enable=false
log.retention.hours=168

# One broker holds the only copy of each of the broker's own topics.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=3
group.initial.rebalance.delay.ms=0

# After a crash the controller, restarted with the broker, holds its old registration this long.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000

# A small machine, a small heap: the cleaner alone would take 128 MB of it.
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
background.threads=4
"""


class KafkaBroker(LocalService):
    role: ClassVar[Role] = "kafka"
    name: ClassVar[str] = "kafka"
    label: ClassVar[str] = "Kafka"
    stop_seconds: ClassVar[float] = 30

    @property
    def url(self) -> str:
        """As `bootstrap.servers` takes it: host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def _log_directory(self) -> Path:
        return self.data / "data"

    @property
    def _erasable(self) -> Path:
        """Not the whole directory: a checkout keeps the jars there."""
        return self._log_directory

    @property
    def _cluster_id_file(self) -> Path:
        return self.data / "cluster-id"

    def ready(self) -> bool:
        """The broker of our own cluster id answers a metadata request."""
        return (
            self.running()
            and listening(self.port)
            and kafka_cluster(self.url) == self._cluster_id()
        )

    def _reserve_ports(self) -> None:
        super()._reserve_ports()
        self._ports.reserve(_CONTROLLER)

    def _own_ports(self) -> list[int]:
        return [*super()._own_ports(), self._controller_port]

    @property
    def _controller_port(self) -> int:
        return self._ports.reserve(_CONTROLLER)

    def _prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if not self._log_directory.exists():
            draft = self._log_directory.with_name("data.new")
            shutil.rmtree(draft, ignore_errors=True)
            self._format(draft)
            draft.replace(self._log_directory)
        self._write_properties(self._log_directory)

    def _format(self, directory: Path) -> None:
        command = [
            *self._java(),
            *("kafka.tools.StorageTool", "format"),
            *("--cluster-id", self._cluster_id()),
            *("--config", str(self._write_properties(directory))),
        ]
        with self.log.open("ab") as log:
            formatted = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
        if formatted.returncode:
            raise StartError(
                f"Kafka's storage could not be formatted; the end of {self.log}:\n"
                f"{last_lines(self.log)}"
            )

    def _write_properties(self, directory: Path) -> Path:
        path = self.layout.run / "kafka.properties"
        path.write_text(
            _PROPERTIES.format(
                port=self.port, controller_port=self._controller_port, directory=directory
            )
        )
        return path

    def _cluster_id(self) -> str:
        """Sixteen random bytes in URL-safe base64; a leading "-" would look like an option."""
        try:
            return self._cluster_id_file.read_text()
        except FileNotFoundError:
            made = "-"
            while made.startswith("-"):
                made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            self._cluster_id_file.write_text(made)
            return made

    def _java(self) -> list[str]:
        """Java for a small machine.

        Against the default compiler and collector a start on two cores takes 4 s of CPU instead of
        7, and 600 messages a second half as much CPU.
        """
        return [
            java(),
            *("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={kafka_jars.LOGGING.as_uri()}",
            *("-cp", f"{kafka_jars.ensure()}/*"),
        ]

    def _command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self.layout.run / "kafka.properties")]
