"""Where mails go out and who they come from, as the settings spell it."""

from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

_URL = "smtp://user:password@host:587?starttls=1"


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server; no ``user``: it asks for no login."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str
    password: str = field(repr=False)


def server_of(url: str) -> Server:
    """The mail server of ``smtp://…`` or ``smtps://…``.

    Raises ValueError for anything else, and for a password that would cross a network unencrypted.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # From None: what is no port may be a part of the password.
        raise ValueError(f"must look like {_URL}") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"must look like {_URL}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = options.pop("starttls", "0")
    if options or starttls not in ("0", "1"):
        raise ValueError("knows the option starttls=1 and no other")
    tls = parts.scheme == "smtps"
    server = Server(
        host=parts.hostname, port=port or (465 if tls else 587 if starttls == "1" else 25),
        tls=tls, starttls=starttls == "1",
        user=unquote(parts.username or ""), password=unquote(parts.password or ""),
    )
    if tls and server.starttls:
        raise ValueError("smtps:// is encrypted from the start: starttls=1 does not go with it")
    if server.user and not (tls or server.starttls or _is_loopback(server.host)):
        raise ValueError("a password needs smtps:// or ?starttls=1")
    return server


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_sender(text: str) -> None:
    """Raise ValueError unless ``text`` is an ASCII address, or a name with one in <>."""
    _, address = parseaddr(text)
    try:
        known = Address(addr_spec=address)
        wrong = not known.username or not known.domain or not address.isascii()
    except (MessageError, ValueError, IndexError):
        wrong = True
    if wrong or any(not character.isprintable() for character in text):
        raise ValueError(
            f"MAIL_FROM must be an address, or Name <address>; it is {text!r}" if text
            else "SMTP_URL needs MAIL_FROM"
        )
