"""A real SMTP server in a process of its own: it can be killed, paused, told to refuse.

``python -m tests.support.mail_server PORT DIRECTORY``: each mail it takes is a line of
``mails.jsonl`` there, written before it answers; how it behaves is read from ``behaviour.json`` at
each step.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from fleet.layout import PROJECT
from fleet.ports import find_free_port
from fleet.processes import Spawned, spawn
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Mail:
    """What the server took: the envelope's two addresses, and the message."""

    sender: str
    recipient: str
    message: EmailMessage


@dataclass
class MailServer:
    """The process, as a test holds it."""

    directory: Path
    port: int = field(default_factory=lambda: find_free_port(set()))
    _running: Spawned | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> "MailServer":
        """Start it, and wait until it answers."""
        module, port = "tests.support.mail_server", str(self.port)
        self._running = spawn(
            [sys.executable, "-m", module, port, str(self.directory)],
            self.directory / "mail_server.log",
            environment={**os.environ, "PYTHONPATH": str(PROJECT)},
            death_signal="KILL",
            working_directory=PROJECT,
        )
        eventually(self._answers, what="the mail server answers")
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._running is not None
        os.killpg(self._running.process.pid, number)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; nothing listens on its port any more."""
        if self._running is not None:
            self._signal(signal.SIGKILL)
            self._running.process.wait(10)
            self._running = None

    def behave(self, **how: Any) -> None:
        """``refuse``: {recipient, or "*": reply to RCPT}; ``data``: reply to all messages;
        ``cut``: break off after taking the message; ``seconds``: take so long for each; ``user``,
        ``password``: ask for a login. What is not given is as usual."""
        draft = self.directory / "behaviour.new"
        draft.write_text(json.dumps(how))
        draft.replace(self.directory / "behaviour.json")

    def mails(self) -> list[Mail]:
        """Every mail that it ever took, in the order that it did."""
        try:
            lines = (self.directory / "mails.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for sender, recipient, text in map(json.loads, lines):
            message = message_from_string(text, policy=default)
            assert isinstance(message, EmailMessage)
            found.append(Mail(sender, recipient, message))
        return found

    def recipients(self) -> list[str]:
        """Who got a mail, sorted; who got two is there twice."""
        return sorted(mail.recipient for mail in self.mails())


class _Handler:
    def __init__(self, directory: Path) -> None:
        self._behaviour = directory / "behaviour.json"
        self._mails = (directory / "mails.jsonl").open("a")

    def _now(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._behaviour.read_text()))
        except FileNotFoundError:
            return {}

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        now = self._now()
        if now.get("user") and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refuse = self._now().get("refuse", {})
        refusal = refuse.get(address, refuse.get("*"))
        if refusal:
            return f"{refusal} <{address}>"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        now = self._now()
        await asyncio.sleep(now.get("seconds", 0))
        if now.get("data"):
            return str(now["data"])
        assert isinstance(envelope.content, bytes)
        # A message that needs more than 7 bits, or lines that end otherwise, is one we must not
        # send: it was never negotiated.
        text = envelope.content.decode("ascii")
        assert text.replace("\r\n", "").isprintable()
        [recipient] = envelope.rcpt_tos
        print(json.dumps([envelope.mail_from, recipient, text]), file=self._mails, flush=True)
        if now.get("cut"):
            server.transport.abort()
        return "250 OK"

    def login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        now = self._now()
        wanted = (str(now.get("user")).encode(), str(now.get("password")).encode())
        return AuthResult(success=(given.login, given.password) == wanted, handled=False)


async def _serve(port: int, directory: Path) -> None:
    handler = _Handler(directory)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            handler, hostname="mail.test", authenticator=handler.login, auth_require_tls=False
        ),
        "127.0.0.1", port, backlog=128,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
