"""How the settings spell a mail server and who mails come from."""

import pytest

from infra.mail_address import Server, check_sender, server_of
from infra.settings import Settings


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 25, False, False, "", "")),
        ("smtp://mail.example:2525/", Server("mail.example", 2525, False, False, "", "")),
        ("smtps://mail.example", Server("mail.example", 465, True, False, "", "")),
        (
            "smtp://me%40shop.kr:p%2Fw%20d@mail.example?starttls=1",
            Server("mail.example", 587, False, True, "me@shop.kr", "p/w d"),
        ),
        ("smtp://me:pw@127.0.0.1:1025", Server("127.0.0.1", 1025, False, False, "me", "pw")),
        ("smtp://me:pw@localhost", Server("localhost", 25, False, False, "me", "pw")),
        ("smtp://[::1]:1025", Server("::1", 1025, False, False, "", "")),
    ],
)
def test_a_mail_server(url: str, server: Server) -> None:
    assert server_of(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example", "http://mail.example", "smtp://", "smtp://mail.example/path",
        "smtp://mail.example?tls=1", "smtp://mail.example?starttls=yes",
        "smtps://mail.example?starttls=1", "smtp://me:s3cret@mail.example",
        "smtp://me:s3cret#x@mail.example", "smtp://mail.example:99999",
    ],
)
def test_what_is_no_mail_server_or_not_a_safe_one(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        server_of(url)
    assert "s3cret" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(server_of("smtps://me:s3cret@mail.example"))


@pytest.mark.parametrize("text", ["a@shop.kr", "Shop <a@shop.kr>", '"Shop, Inc." <a@shop.kr>'])
def test_a_sender(text: str) -> None:
    check_sender(text)


@pytest.mark.parametrize(
    "text", ["", "shop", "Shop <shop>", "a@", "@shop.kr", "김@shop.kr", "a@shop.kr\r\nBcc: b@c.kr"]
)
def test_what_is_no_sender(text: str) -> None:
    with pytest.raises(ValueError, match="MAIL_FROM"):
        check_sender(text)


def test_a_mail_server_needs_a_sender() -> None:
    assert Settings(_env_file=None, smtp_url="", mail_from="").smtp_url == ""  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="SMTP_URL needs MAIL_FROM"):
        Settings(_env_file=None, smtp_url="smtp://mail.example")  # type: ignore[call-arg]
