"""What a client may make a greenlet wait for: bounded, however slowly its bytes come or go."""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LINGER_SECONDS = 1.0
LINGER_BYTES = 1024 * 1024


class TimedSocket:
    """A client's socket whose waits have an end.

    Head and body of a request have ``read_seconds`` together from their first byte on; whoever has
    connected has as long for that byte, and ``idle_seconds`` once a request was answered. A time
    limit a receive would not do: a byte a second would keep it open for ever. A head that is late
    looks as if the client had gone; a body that is late raises TimeoutError, for its request to be
    answered with. An answer has ``write_seconds``.
    """

    def __init__(
        self, client: Any, read_seconds: float, idle_seconds: float, write_seconds: float
    ) -> None:
        self._client = client
        self._read_seconds = read_seconds
        self._idle_seconds = idle_seconds
        self._write_seconds = write_seconds
        self._first_byte_seconds = read_seconds
        self._deadline: float | None = None
        self._answering = False
        self._held: list[bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def answering(self) -> None:
        """The head is complete: from now on it is the body that is read."""
        self._answering = True

    def answered(self) -> None:
        """What comes now is the next request."""
        self._answering = False
        self._deadline = None
        self._first_byte_seconds = self._idle_seconds

    def recv(self, size: int, *flags: int) -> bytes:
        """The next bytes; none when the client has gone or its time is up.

        Raises TimeoutError when that is so in the middle of a body.
        """
        try:
            if self._deadline is None:
                self._client.settimeout(self._first_byte_seconds)
                data = bytes(self._client.recv(size, *flags))
                self._deadline = time.monotonic() + self._read_seconds
                return data
            rest = self._deadline - time.monotonic()
            if rest <= 0:
                raise TimeoutError("the request did not come in time")
            self._client.settimeout(rest)
            return bytes(self._client.recv(size, *flags))
        except TimeoutError:
            if self._answering:
                raise
            return b""

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is sent in the block goes out at its end, all at once; nothing of it if it raises.
        """
        self._held = held = []
        try:
            yield
        finally:
            self._held = None
        self.sendall(b"".join(held))

    def sendall(self, data: bytes, *flags: int) -> None:
        """Send all of it. Raises BrokenPipeError when the client does not take it in time."""
        if self._held is not None:
            self._held.append(data)
            return
        self._client.settimeout(self._write_seconds)
        try:
            self._client.sendall(data, *flags)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "the client takes no answer") from None

    def linger(self) -> None:
        """End the sending side and take in a little of what is still coming.

        To close with unread bytes would reset the connection, and the client might lose the answer
        that says why (RFC 9112, section 9.6).
        """
        end, taken = time.monotonic() + LINGER_SECONDS, 0
        try:
            self._client.shutdown(socket.SHUT_WR)
            while taken < LINGER_BYTES and (rest := end - time.monotonic()) > 0:
                self._client.settimeout(rest)
                data = self._client.recv(65_536)
                if not data:
                    return
                taken += len(data)
        except OSError:
            return  # gone already, or too slow
