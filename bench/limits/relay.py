"""L-relay: read outbox rows, produce them to Kafka, mark them; the shortest loop that does so."""

import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from bench.stage import LIMITS_DATABASE, Stage
from fleet.console import StartError

TOPIC = "bench.limit"
_BATCH = 1_000
_SECONDS = 60


def measure(stage: Stage, events: int) -> float:
    """Events a second, of those that measuring L-sql has left waiting; at most ``events``."""
    servers = stage.checkout.services().urls.kafka
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(TOPIC, 3, 1)])[TOPIC].result(timeout=30)
    producer = Producer(
        {
            "bootstrap.servers": servers, "acks": "all", "enable.idempotence": True,
            "linger.ms": 2, "compression.type": "lz4", "partitioner": "murmur2_random",
        }
    )
    connection = stage.connect(LIMITS_DATABASE)
    done, last, began = 0, 0, time.monotonic()
    try:
        with connection.cursor() as cursor:
            while done < events:
                cursor.execute(
                    "SELECT id, event_id, aggregateid, CAST(payload AS BINARY) FROM outbox_events "
                    "WHERE id > %s AND status = 'pending' ORDER BY id LIMIT %s", (last, _BATCH)
                )
                found = cursor.fetchall()
                if not found:
                    break
                for _, event_id, aggregate, payload in found:
                    producer.produce(
                        TOPIC, payload, b"%d" % aggregate, headers={"ce_id": event_id}
                    )
                if producer.flush(_SECONDS):
                    raise StartError("Kafka did not take all events of L-relay")
                last = found[-1][0]
                ids = ",".join(str(row[0]) for row in found)
                cursor.execute(
                    "UPDATE outbox_events SET status = 'published', published_at = NOW(3), "
                    f"pending_shard = NULL WHERE id IN ({ids})"
                )
                connection.commit()
                done += len(found)
    finally:
        connection.close()
    return done / (time.monotonic() - began)
