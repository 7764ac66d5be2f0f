"""Throws away what has been kept long enough."""

import threading

from domain.retention.service import purge
from infra.settings import settings

stopping = threading.Event()
"""Set to let a running purge end after its batch."""


def tick() -> int:
    """Returns how many rows went."""
    return sum(purge(settings().retention_days, stopping).values())
