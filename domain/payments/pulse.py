"""The asker's sign of life: a heartbeat row for /readyz, a gauge of what waits for /metrics."""

import orjson

from domain.payments import store
from infra.database import session
from infra.metrics import payments_waiting

COUNTED_TO = 100_000


def beat(closed: bool, heard: bool) -> None:
    """Write it down: the payment provider is away while the breaker is not ``closed``, up once it
    has been ``heard`` of, and unknown before. Raises what the database raises."""
    state = "away" if not closed else "up" if heard else "unknown"
    with session():
        payments_waiting.set(store.waiting(COUNTED_TO))
        store.beat(orjson.dumps({"payments": state}).decode())
