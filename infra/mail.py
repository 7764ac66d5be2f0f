"""A mail server (SMTP, RFC 5321): one mail to one address, and whatever the server said last.

Everything is told by a :class:`Reply`, so that what it means is decided elsewhere. Connections are
kept between mails. Python's smtplib carries the conversation.
"""

import smtplib
import socket
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from infra.mail_address import server_of

KEPT_SECONDS = 20.0
FAREWELL_SECONDS = 1.0
MAILS_A_CONNECTION = 100


@dataclass(frozen=True, slots=True)
class Reply:
    """How far a mail came (``stage``), and what the server answered there.

    ``stage`` is connect, login, sender, recipient or message. ``code`` is None where no answer
    came: the connection could not be made, broke, or took too long.
    """

    stage: str
    code: int | None
    text: str


@dataclass(slots=True)
class _Kept:
    client: smtplib.SMTP
    mails: int
    used_at: float


class MailServer:
    """Sends mails; may be used by many threads at once, each mail over a connection of its own."""

    def __init__(self, url: str, sender: str, timeout: float) -> None:
        """``sender``: the address that a mail goes back to which cannot be delivered. ``timeout``:
        seconds for a connection, and again for a mail over it."""
        self._server = server_of(url)
        self._sender = sender
        self._timeout = timeout
        self._idle: deque[_Kept] = deque()

    def send(self, recipient: str, message: bytes) -> Reply:
        """Hand over one message. A 2xx reply at the stage ``message`` says that the server has it.

        Never raises for what the network or the server does, and ends within about three times the
        time-out whatever they do, name resolution apart.
        """
        kept = self._reuse()
        if kept is not None:
            reply = self._deliver(kept, recipient, message)
            if not _gone_before(reply):
                return reply
        try:
            kept = _Kept(self._connect(), 0, time.monotonic())
        except _NotConnected as error:
            return error.reply
        return self._deliver(kept, recipient, message)

    def close(self) -> None:
        """Take leave of the server on all connections that are not in use, if it still listens."""
        listens = True
        while self._idle:
            client = self._idle.pop().client
            listens = listens and _quit(client)
            client.close()

    def _reuse(self) -> _Kept | None:
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - kept.used_at < KEPT_SECONDS:
                return kept
            kept.client.close()

    def _connect(self) -> smtplib.SMTP:
        client: smtplib.SMTP | None = None
        stage, server = "connect", self._server
        try:
            client = self._client()
            with _Deadline(client, self._timeout):
                code, text = client.connect(server.host, server.port)
                if code != 220:
                    raise smtplib.SMTPConnectError(code, text)
                client.ehlo_or_helo_if_needed()
                if server.starttls:
                    client.starttls(context=self._tls)
                    client.ehlo()
                if server.user:
                    stage = "login"
                    client.login(server.user, server.password)
            return client
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if client is not None:
                client.close()
            raise _NotConnected(_reply(stage, error)) from error

    def _client(self) -> smtplib.SMTP:
        server = self._server
        client = (
            smtplib.SMTP_SSL(
                local_hostname=self._own_name, timeout=self._timeout, context=self._tls
            )
            if server.tls
            else smtplib.SMTP(local_hostname=self._own_name, timeout=self._timeout)
        )
        # The name that TLS compares. Given to the constructor it would be kept, but then the
        # constructor connects, which nothing could break off.
        client._host = server.host  # type: ignore[attr-defined]
        return client

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    @cached_property
    def _own_name(self) -> str:
        return socket.getfqdn()

    def _deliver(self, kept: _Kept, recipient: str, message: bytes) -> Reply:
        client, stage = kept.client, "sender"
        try:
            with _Deadline(client, self._timeout):
                code, text = client.mail(self._sender)
                if 200 <= code < 300:
                    stage = "recipient"
                    code, text = client.rcpt(recipient)
                if 200 <= code < 300:
                    stage = "message"
                    code, text = client.data(message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            return _reply(stage, error)
        self._put_back(kept, stage, code)
        return Reply(stage, code, _text(text))

    def _put_back(self, kept: _Kept, stage: str, code: int) -> None:
        """Keep a connection for the next mail. A mail that was refused is taken back first."""
        taken = stage == "message" and 200 <= code < 300
        kept.mails += 1
        kept.used_at = time.monotonic()
        try:
            with _Deadline(kept.client, FAREWELL_SECONDS):
                if code == 421 or kept.mails >= MAILS_A_CONNECTION:
                    kept.client.quit()
                elif taken or kept.client.rset()[0] == 250:
                    self._idle.append(kept)
                else:
                    kept.client.close()
        except (smtplib.SMTPException, OSError):
            kept.client.close()


class _NotConnected(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class _Deadline:
    """Breaks a conversation off that takes longer in all, and raises TimeoutError: a socket's own
    time-out begins anew with each byte that trickles in."""

    def __init__(self, client: smtplib.SMTP, seconds: float) -> None:
        self._client = client
        self._timer = threading.Timer(seconds, self._break)
        self._timer.daemon = True
        self._broken = False

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._broken:
            raise TimeoutError(f"not done within {self._timer.interval:g} s")

    def _break(self) -> None:
        self._broken = True
        connection = self._client.sock
        if connection is not None:
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)


def _gone_before(reply: Reply) -> bool:
    """Whether a kept connection turned out to be closed, before anything of the mail was sent."""
    return reply.stage == "sender" and reply.code in (None, 421)


def _reply(stage: str, error: Exception) -> Reply:
    if isinstance(error, smtplib.SMTPResponseException):
        return Reply(stage, error.smtp_code, _text(error.smtp_error))
    return Reply(stage, None, f"{type(error).__name__}: {error}")


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _quit(client: smtplib.SMTP) -> bool:
    """Say goodbye. Returns whether the server did too."""
    try:
        with _Deadline(client, FAREWELL_SECONDS):
            client.quit()
    except (smtplib.SMTPException, OSError):
        return False
    return True
