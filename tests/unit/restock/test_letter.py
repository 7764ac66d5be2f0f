"""The mail itself: whatever a product is called, it is one message to one address."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.restock.letter import compose
from domain.restock.rules import EMAIL, is_email

UUID_1 = UUID("019365b0-0000-7000-8000-000000000001")
AT = datetime(2026, 11, 24, 7, 0, 0, 123_000, tzinfo=UTC).replace(tzinfo=None)
SENT = datetime(2026, 11, 24, 7, 0, 9, tzinfo=UTC)
HEADERS = [
    "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "From", "To", "Subject", "Date",
    "Message-ID", "Auto-Submitted",
]

# Names as products may have them, and what databases may hold besides.
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
addresses = st.from_regex(EMAIL, fullmatch=True).map(str.strip).filter(is_email)


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def letter(product: str = "Parka", to: str = "kim@example.org", sender: str = "a@shop.kr") -> bytes:
    return compose(
        sender=sender, to=to, message_uuid=UUID_1, product=product, back_at=AT, sent_at=SENT
    )


def test_says_what_is_back_and_since_when_and_that_it_is_the_only_one() -> None:
    message = read(letter("방수 백팩", sender="멋진 가게 <no-reply@shop.example>"))
    assert message["From"] == "멋진 가게 <no-reply@shop.example>"
    assert message["To"] == "kim@example.org"
    assert message["Subject"] == "Back in stock: 방수 백팩"
    assert message["Date"].datetime == SENT
    assert message["Message-ID"] == f"<restock-{UUID_1}@shop.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    text = message.get_content()
    assert text.startswith("방수 백팩 is back in stock since 2026-11-24T07:00:00.123Z.\n")
    assert "told once" in text


@given(names, addresses)
def test_no_name_or_address_breaks_out_of_its_header(product: str, to: str) -> None:
    raw = letter(product, to)
    # Then it can go through any mail server as it is
    assert raw.isascii()
    lines = raw.split(b"\r\n")
    assert all(len(line) <= 998 and not set(line) & {10, 13} for line in lines)
    # And is read as it was meant: no header more, and the same name in one line
    message = read(raw)
    assert message.keys() == HEADERS
    assert message["To"] == to
    assert [one.addr_spec for one in message["To"].addresses] == [to]
    assert message["Subject"] == f"Back in stock: {' '.join(product.split()) or 'A product'}"


@pytest.mark.parametrize(
    "product", ["A\r\nBcc: all@example.org", "A\u2028B", "=?utf-8?q?Parka?=", "x" * 200, "가" * 200]
)
def test_names_that_mail_libraries_stumble_over(product: str) -> None:
    message = read(letter(product))
    assert message.keys() == HEADERS
    assert message["Subject"] == f"Back in stock: {' '.join(product.split())}"


def test_the_same_mail_sent_again_has_the_same_message_id() -> None:
    assert read(letter("A"))["Message-ID"] == read(letter("B"))["Message-ID"]


def test_plain_text_can_be_read_as_it_goes_over_the_wire() -> None:
    assert b"\r\n\r\nParka is back in stock since 2026-11-24T07:00:00.123Z.\r\n" in letter("Parka")
