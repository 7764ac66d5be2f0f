"""The sender's sign of life: a heartbeat row for /readyz, a gauge of what waits for /metrics."""

from enum import StrEnum

import orjson

from domain.restock import mail_store
from infra.database import session
from infra.metrics import notices_waiting

COUNTED_TO = 100_000


class MailState(StrEnum):
    """How the mail server is, as far as the sender knows."""

    UNSET = "unset"
    """No SMTP_URL: notices wait."""
    UNKNOWN = "unknown"
    """Not heard of yet."""
    UP = "up"
    AWAY = "away"


def beat(state: MailState) -> None:
    """Write it down. Raises what the database raises."""
    with session():
        notices_waiting.set(mail_store.waiting(COUNTED_TO))
        mail_store.beat(orjson.dumps({"mail": state}).decode())
