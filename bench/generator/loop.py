"""The clients: sockets that one epoll watches."""

import heapq
import select
import socket
import time
from collections import deque

from bench.generator.acts import Request, Users
from bench.generator.answers import Answer, parse
from bench.generator.plan import Loaded, Plan
from bench.generator.tally import Tally

_FOLLOW = b"Prefer: wait=20\r\n\r\n"
_IDLE_SECONDS = 0.5


class _Client:
    __slots__ = ("began", "busy", "following", "number", "received", "sock")

    def __init__(self, port: int) -> None:
        self.sock = connect(port)
        self.busy = self.following = False
        self.began = 0.0
        self.number = 0
        self.received = b""


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return sock


class Loop:
    """Runs one plan."""

    def __init__(self, plan: Plan, users: Users, request: Request) -> None:
        self._plan = plan
        self._users = users
        self._request = request
        self._poll = select.epoll()
        self._clients: dict[int, _Client] = {}
        self._free: deque[_Client] = deque()
        self._asked: dict[_Client, bytes] = {}
        self._thinking: list[tuple[float, int, _Client]] = []
        self._sent = 0
        self._busy = 0
        self._due = 0

    def run(self) -> Loaded:
        self._open()
        start = time.perf_counter()
        self._start = start
        self._stop = start + self._plan.seconds
        self._tally = Tally(start + self._plan.warm_up, self._stop)
        while True:
            now = time.perf_counter()
            if now > self._stop + self._plan.patience:
                break
            self._send_due(now)
            if self._over(now) and not self._busy:
                break
            for number, _ in self._poll.poll(self._pause(now)):
                self._read(self._clients[number])
        for client in self._clients.values():
            if client.busy:
                self._tally.not_ended()
            client.sock.close()
        return self._tally.result()

    def _open(self) -> None:
        for _ in range(self._plan.clients):
            client = _Client(self._plan.port)
            self._clients[client.sock.fileno()] = client
            self._poll.register(client.sock.fileno(), select.EPOLLIN)
            self._free.append(client)

    def _over(self, now: float) -> bool:
        return now >= self._stop or bool(self._plan.total and self._sent >= self._plan.total)

    def _send_due(self, now: float) -> None:
        """Begin what is due and has a client."""
        while self._thinking and self._thinking[0][0] <= now:
            self._free.append(heapq.heappop(self._thinking)[2])
        if not self._plan.rate:
            while self._free and not self._over(now):
                self._begin(self._free.popleft(), time.perf_counter())
            return
        if now < self._stop:
            self._due = int((now - self._start) * self._plan.rate) + 1
        if self._plan.total:
            self._due = min(self._due, self._plan.total)
        while self._free and self._sent < self._due:
            self._begin(self._free.popleft(), self._start + self._sent / self._plan.rate)
        self._tally.held_back = max(self._tally.held_back, self._due - self._sent)

    def _pause(self, now: float) -> float:
        """Until the next request is due."""
        if self._plan.rate and self._free and not self._over(now):
            return max(0.0, self._start + self._sent / self._plan.rate - now)
        if self._thinking:
            return max(0.0, self._thinking[0][0] - now)
        return _IDLE_SECONDS

    def _begin(self, client: _Client, began: float) -> None:
        client.number = self._plan.start + self._sent
        client.began = began
        client.busy, client.following = True, False
        self._sent += 1
        self._busy += 1
        self._send(client, self._request(client.number))

    def _send(self, client: _Client, data: bytes) -> None:
        try:
            client.sock.sendall(data)
        except OSError:
            self._lost(client)

    def _read(self, client: _Client) -> None:
        try:
            data = client.sock.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            return self._lost(client)
        client.received = client.received + data if client.received else data
        answer = parse(client.received)
        if answer is None:
            return None
        client.received = b""
        return self._answered(client, answer)

    def _answered(self, client: _Client, answer: Answer) -> None:
        now = time.perf_counter()
        if not client.following:
            self._tally.accepted(answer, now)
            if answer.status == 202 and self._plan.follow:
                client.following = True
                return self._ask(client, answer.location)
            self._tally.finished(client.began, answer, now)
        elif answer.job_ended:
            self._tally.job_ended(client.began, answer, now)
        elif answer.status == 200:
            return self._ask(client, self._asked[client])
        else:
            self._tally.broken(f"{answer.status} while its job was followed")
        return self._release(client)

    def _ask(self, client: _Client, location: bytes) -> None:
        """For its job, until that has ended."""
        if time.perf_counter() > client.began + self._plan.patience:
            self._tally.not_ended()
            return self._release(client)
        self._asked[client] = location
        return self._send(client, self._users.head(client.number, b"GET " + location) + _FOLLOW)

    def _release(self, client: _Client) -> None:
        client.busy = False
        self._busy -= 1
        if self._plan.think:
            until = time.perf_counter() + self._plan.think
            heapq.heappush(self._thinking, (until, client.number, client))
        else:
            self._free.append(client)

    def _lost(self, client: _Client) -> None:
        """The connection ended: a fault if something was asked by it. Another takes its place."""
        self._clients.pop(client.sock.fileno())
        client.sock.close()
        client.sock = connect(self._plan.port)
        client.received = b""
        self._clients[client.sock.fileno()] = client
        self._poll.register(client.sock.fileno(), select.EPOLLIN)
        if client.busy:
            self._tally.broken("no answer")
            self._release(client)
