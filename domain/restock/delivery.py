"""One mail, composed and handed to the mail server; a fault of ours is told like one of theirs."""

from datetime import UTC, datetime
from typing import Protocol

import structlog

from domain.restock.letter import compose
from domain.restock.mail_store import Claimed
from domain.restock.rules import Reply, Stage
from infra import mail

log = structlog.get_logger(__name__)


class Mailer(Protocol):
    def send(self, recipient: str, message: bytes) -> Reply: ...
    def close(self) -> None: ...


def deliver(mailer: Mailer, mail_from: str, notice: Claimed) -> Reply:
    """What the server said last. Never raises: unheard of, a mail would stay under way for ever."""
    try:
        message = compose(
            sender=mail_from, to=notice.email, message_uuid=notice.message_uuid,
            product=notice.product, back_at=notice.back_at, sent_at=datetime.now(UTC),
        )
        return mailer.send(notice.email, message)
    except Exception as error:
        # By its name alone: what an exception says, and its traceback, could show the address.
        log.error("a mail broke", notice=notice.id, error=type(error).__name__)
        return mail.Reply(Stage.MESSAGE, None, type(error).__name__)
