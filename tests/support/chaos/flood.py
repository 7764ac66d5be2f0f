"""More requests than can be done, from a process of its own that costs little.

``python -m tests.support.chaos.flood``: reads an :class:`Order` as JSON from standard input, sends
what it says at the times it says (open loop: an answer that is late makes no request late, as long
as there are connections left), and prints a :class:`Tally` as JSON. Of every job that it was
promised, the id is in the order's file, sixteen bytes each.
"""

import json
import selectors
import socket
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from infra.tokens import issue
from tests.support.chaos.faults.base import percentile

TICK_SECONDS = 0.005
GRACE_SECONDS = 30.0
_JOB = b"Location: /api/jobs/"


@dataclass(frozen=True)
class Order:
    """``rate`` requests a second for ``seconds``: issues of the ``coupons`` one after another, each
    to all users once; or, without coupons, charges of one won."""

    port: int
    rate: float
    seconds: float
    users: tuple[int, int]
    coupons: Sequence[int]
    promised: str
    connections: int


@dataclass
class Tally:
    """What came of it. ``held_back``: not sent, since all connections waited for an answer;
    ``bare``: answers 503 without Retry-After or without COMMON008."""

    seconds: float = 0.0
    sent: int = 0
    held_back: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    no_answer: int = 0
    bare: int = 0
    accepted_p99: float = 0.0
    refused_p99: float = 0.0
    cpu: float = 0.0
    """Of one core, the flood's own."""


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._data = b""

    def answer(self) -> tuple[int, bytes] | None:
        """The status and the whole answer, once it is there. Raises OSError when it is cut off."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        whole, self._data = self._data, b""
        return int(whole[9:12]), whole


class _Flood:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._selector = selectors.DefaultSelector()
        self._idle: deque[_Connection] = deque()
        self._open = 0
        self._answers: Counter[int] = Counter()
        self._promised = bytearray()
        self._accepted = array("f")
        self._refused = array("f")
        self.tally = Tally()

    def run(self) -> None:
        """Send it all, and wait ``GRACE_SECONDS`` at most for the last answers."""
        requests = _requests(self._order)
        began, used = time.monotonic(), time.process_time()
        end, offered = began + self._order.seconds, 0
        while (now := time.monotonic()) < end:
            wanted = int((now - began) * self._order.rate)
            for _ in range(wanted - offered):
                self._send(next(requests))
            offered = wanted
            self._receive()
        self.tally.seconds = time.monotonic() - began
        self.tally.cpu = (time.process_time() - used) / self.tally.seconds
        while self._open > len(self._idle) and time.monotonic() < end + GRACE_SECONDS:
            self._receive()
        self._tell()

    def _send(self, request: bytes) -> None:
        connection = self._free()
        if connection is None:
            self.tally.held_back += 1
            return
        connection.sent_at = time.monotonic()
        try:
            connection.socket.sendall(request)
        except OSError:
            self._lost(connection)
        self.tally.sent += 1

    def _free(self) -> _Connection | None:
        if self._idle:
            return self._idle.popleft()
        if self._open >= self._order.connections:
            return None
        connection = _Connection(self._order.port)
        self._open += 1
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def _receive(self) -> None:
        for key, _ in self._selector.select(TICK_SECONDS):
            connection: _Connection = key.data
            try:
                answer = connection.answer()
            except OSError:
                self._lost(connection)
                continue
            if answer is not None:
                self._note(*answer, (time.monotonic() - connection.sent_at) * 1000)
                self._idle.append(connection)

    def _lost(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        else:
            self.tally.no_answer += 1

    def _note(self, status: int, whole: bytes, milliseconds: float) -> None:
        self._answers[status] += 1
        if status == 202:
            job = whole.partition(_JOB)[2][:36].decode()
            self._promised += UUID(job).bytes
            self._accepted.append(milliseconds)
        elif status == 503:
            self._refused.append(milliseconds)
            if b"\r\nRetry-After: " not in whole or b'"COMMON008"' not in whole:
                self.tally.bare += 1

    def _tell(self) -> None:
        self.tally.no_answer += self._open - len(self._idle)
        self.tally.answers = {str(status): count for status, count in self._answers.items()}
        self.tally.accepted_p99 = percentile(self._accepted, 0.99)
        self.tally.refused_p99 = percentile(self._refused, 0.99)
        Path(self._order.promised).write_bytes(self._promised)


def _requests(order: Order) -> Iterator[bytes]:
    """The requests, one after another, without end."""
    first, last = order.users
    tails = {
        user: (
            " HTTP/1.1\r\nHost: shop\r\n"
            f"Authorization: Bearer {issue(user, ['user'], timedelta(hours=2))}\r\n"
        ).encode()
        for user in range(first, last + 1)
    }
    nothing = b"Content-Length: 0\r\n\r\n"
    body = b'Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"amount":1}'
    while True:
        for coupon in order.coupons or [0]:
            for user, tail in tails.items():
                if coupon:
                    yield b"POST /api/coupons/%d/issue%s%s" % (coupon, tail, nothing)
                else:
                    yield b"POST /api/users/%d/balance/charge%s%s" % (user, tail, body)


def main() -> None:
    flood = _Flood(Order(**json.load(sys.stdin)))
    flood.run()
    print(json.dumps(asdict(flood.tally)))


if __name__ == "__main__":
    main()
