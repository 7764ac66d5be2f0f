"""HTTP as bytes on a socket: what no client library would send, and all that comes back."""

import errno
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.tokens import issue
from tests.support.document import document

BODYLESS = {100, 204, 304}
BY_THE_SERVER = {400, 414, 417, 431, 501}
_CLOSED_BY_THE_OTHER = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN}


@dataclass(frozen=True)
class RawAnswer:
    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        split = [line.partition(":") for line in lines]
        return {name.lower(): value.strip() for name, _, value in split}

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def assert_sane(self) -> None:
        """A success, or a refusal that is the client's fault and says so as a problem.

        501 says no fault of ours: it is what RFC 9112 wants for a transfer coding that is not
        known.
        """
        assert 200 <= self.status < 500 or self.status == 501, self
        if self.status >= 400:
            assert self.header("Content-Type") == "application/problem+json", self
            problem = self.json
            assert problem["status"] == self.status, self
            assert problem["code"], self
            assert len(problem["traceId"]) == 32, self
            document().check_problem(self.body, self.head.decode("latin-1"))

    def assert_told(self, method: str, target: str) -> None:
        """Sane, and what the document tells of the operation that was asked for.

        What is no request the server refuses by itself, for whichever operation.
        """
        self.assert_sane()
        if self.status not in BY_THE_SERVER:
            document().check(method, target, self.status, self.headers, self.body)


def exchange(port: int, sent: bytes, seconds: float = 30) -> list[RawAnswer]:
    """Every answer to these bytes, until the server closes; nothing else is sent after them.

    A server may close before it has taken all of them, which is as good. Fails the test when it
    keeps the connection open for ``seconds`` though nothing more can come.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        try:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno not in _CLOSED_BY_THE_OTHER:
                raise
        return list(answers(_all_of(client)))


def _all_of(client: socket.socket) -> bytes:
    data = b""
    try:
        while more := client.recv(65_536):
            data += more
    except ConnectionResetError:
        pass  # what has come before it counts
    return data


def answers(data: bytes) -> Iterator[RawAnswer]:
    """The answers in ``data``, one after another. Raises AssertionError for what is none."""
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        assert head.startswith(b"HTTP/1.1 "), head
        status = int(head[9:12])
        told = RawAnswer(status, head, b"").header("Content-Length")
        length = 0 if status in BODYLESS else int(told or 0)
        body, data = data[:length], data[length:]
        assert len(body) == length, head
        yield RawAnswer(status, head, body)


def request(
    method: str, target: str | bytes, *lines: str | bytes, body: bytes | None = None,
    user: int | None = None, admin: bool = False,
) -> bytes:
    """A request; ``target`` and ``lines`` (of the head) go out as they are. Text is UTF-8."""
    head: list[str | bytes] = ["Host: shop", *lines]
    if user is not None:
        scopes = ["user", "admin"] if admin else ["user"]
        head.append(f"Authorization: Bearer {issue(user, scopes, timedelta(hours=1))}")
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    first = method.encode() + b" " + _bytes(target) + b" HTTP/1.1"
    return b"\r\n".join([first, *map(_bytes, head), b"", body or b""])


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
