"""Restock notices to the mail server. They need no Kafka: the database says who is to be told."""

from email.utils import parseaddr

from domain.restock.sender import Sender
from infra.mail import MailServer
from infra.settings import Settings

_LONGEST_SEND = 4
"""Time-outs that one mail can take: on a kept connection, to connect, on the new one, and spare."""
_LEASE_MARGIN_SECONDS = 30.0


def sender(settings: Settings) -> Sender:
    """The sending side; where no mail server is set, notices wait."""
    mailer = None
    if settings.smtp_url:
        _, address = parseaddr(settings.mail_from)
        mailer = MailServer(settings.smtp_url, address, settings.smtp_timeout)
    return Sender(
        mailer,
        mail_from=settings.mail_from,
        concurrency=settings.smtp_concurrency,
        tries=settings.smtp_attempts,
        lease_seconds=_LONGEST_SEND * settings.smtp_timeout + _LEASE_MARGIN_SECONDS,
    )
