"""The mail that says a product is back in stock, as the bytes that a mail server gets. Pure."""

from datetime import datetime
from email.header import Header
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr
from uuid import UUID

from domain.kernel.clock import rfc3339

_POLICY = compat32.clone(linesep="\r\n")
_LONGEST_PLAIN_SUBJECT = 60


def compose(
    *, sender: str, to: str, message_uuid: UUID, product: str, back_at: datetime, sent_at: datetime
) -> bytes:
    """The message, in 7-bit lines that end in CRLF.

    ``sender`` is an address, or ``Name <address>``; ``to`` is one that the rules took; ``product``
    is the product's name, whatever it holds. The Message-ID is the same each time this mail is
    sent, so that a mail that comes twice can be known as one (RFC 5322 section 3.6.4).

    Python's older header classes, because its newer ones put spaces into long encoded words.
    """
    name = " ".join(product.split()) or "A product"
    sender_name, address = parseaddr(sender)
    mail = MIMEText(_text(name, back_at))  # UTF-8 in base64 where it is more than ASCII
    mail["From"] = formataddr((sender_name, address))
    mail["To"] = to
    mail["Subject"] = _subject(f"Back in stock: {name}")  # type: ignore[assignment]
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = f"<restock-{message_uuid}@{address.rpartition('@')[2]}>"
    # Nobody's holiday answer is wanted (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    return mail.as_bytes(policy=_POLICY)


def _text(name: str, back_at: datetime) -> str:
    return (
        f"{name} is back in stock since {rfc3339(back_at)}.\n\n"
        "You asked to be told once, and this is that mail: your address is forgotten now.\n"
        "To be told the next time, ask again.\n"
    )


def _subject(text: str) -> Header:
    plain = text.isascii() and "=?" not in text and len(text) <= _LONGEST_PLAIN_SUBJECT
    return Header(text, None if plain else "utf-8", header_name="Subject")
