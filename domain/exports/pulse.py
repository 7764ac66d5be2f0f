"""The sender's sign of life: a heartbeat row for /readyz, a gauge of what waits for /metrics."""

import orjson

from domain.exports import store
from infra.database import session
from infra.metrics import exports_waiting

COUNTED_TO = 100_000


def beat(closed: bool, heard: bool) -> None:
    """Write it down: the data platform is away while the breaker is not ``closed``, up once it
    has been ``heard`` of, and unknown before. Raises what the database raises."""
    state = "away" if not closed else "up" if heard else "unknown"
    with session():
        exports_waiting.set(store.waiting(COUNTED_TO))
        store.beat(orjson.dumps({"dataPlatform": state}).decode())
