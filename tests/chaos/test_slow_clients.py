"""Clients that are slow, broken or too many, on real sockets against a real web process."""

import json
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from infra.tokens import issue
from tests.support.fleet import Fleet
from tests.support.services import TestServices
from tests.support.waiting import eventually
from web.slow_clients import TimedSocket

READ_SECONDS = 1.0
MARGIN = 4.0


@pytest.fixture(scope="module")
def web(services: TestServices, _schema: None) -> Iterator[Fleet]:
    """One web process that gives a request a second."""
    with tempfile.TemporaryDirectory(prefix="ordering-slow-") as directory:
        fleet = Fleet(
            services, Path(directory),
            {"REQUEST_READ_SECONDS": str(READ_SECONDS), "WEB_WORKERS": "1"},
        )
        fleet.start("web")
        try:
            fleet.wait_ready()
            yield fleet
        finally:
            fleet.end()


def connect(web: Fleet) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", web.port), timeout=10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


class Got:
    """All that came until the server closed the connection, or an answer was whole."""

    def __init__(self, client: socket.socket, *, until_closed: bool = False) -> None:
        self.data = b""
        self.closed = False
        while until_closed or not self._whole():
            try:
                data = client.recv(65_536)
            except ConnectionResetError:
                data = b""
            if not data:
                self.closed = True
                return
            self.data += data

    def _whole(self) -> bool:
        head, _, body = self.data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                return len(body) >= int(line.split(b":")[1])
        return False

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1]) if self.data else 0

    def header(self, name: str) -> str | None:
        for line in self.data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n"):
            if line.lower().startswith(f"{name.lower()}:"):
                return line.partition(":")[2].strip()
        return None

    @property
    def problem(self) -> str:
        assert self.header("Content-Type") == "application/problem+json"
        assert self.header("X-Content-Type-Options") == "nosniff"
        body = json.loads(self.data.partition(b"\r\n\r\n")[2])
        assert body["status"] == self.status
        assert body["traceId"]
        return str(body["code"])


def head(length: int | None = None, *lines: str) -> bytes:
    """The head of a charge of user 1."""
    token = issue(1, ["user"], timedelta(hours=1))
    sent = [
        "POST /api/users/1/balance/charge HTTP/1.1", "Host: shop", f"Authorization: Bearer {token}",
        "Content-Type: application/json", *lines,
    ]
    if length is not None:
        sent.append(f"Content-Length: {length}")
    return "\r\n".join([*sent, "", ""]).encode()


def trickle(client: socket.socket, data: bytes) -> float:
    """Send a byte every tenth of a second until it is all sent or nobody takes it; the seconds."""
    began = time.monotonic()
    client.settimeout(0.1)
    for at in range(len(data)):
        try:
            client.sendall(data[at : at + 1])
            if client.recv(1, socket.MSG_PEEK) is not None:
                break
        except TimeoutError:
            continue
        except OSError:
            break
    client.settimeout(10)
    return time.monotonic() - began


def test_the_answer_has_no_banner(web: Fleet) -> None:
    with connect(web) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        got = Got(client)
        assert got.status == 200
        assert got.header("Server") is None
        assert got.header("Date") is not None


def test_no_header_makes_a_request_secure(web: Fleet) -> None:
    """Which proxies are believed, TRUSTED_PROXIES says: here none."""
    with connect(web) as client:
        client.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: shop\r\nX-Forwarded-Proto: https\r\n"
            b"X-Forwarded-Ssl: on\r\nScript-Name: /api\r\n\r\n"
        )
        got = Got(client)
        assert got.status == 200
        assert got.header("Strict-Transport-Security") is None


def test_a_head_that_comes_byte_by_byte_is_cut_off(web: Fleet) -> None:
    with connect(web) as client:
        seconds = trickle(client, b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"a" * 500)
        assert Got(client).closed
    assert READ_SECONDS * 0.9 <= seconds <= READ_SECONDS + MARGIN


def test_whoever_connects_and_says_nothing_is_cut_off(web: Fleet) -> None:
    began = time.monotonic()
    with connect(web) as client:
        got = Got(client)
        assert (got.closed, got.data) == (True, b"")
    assert time.monotonic() - began <= READ_SECONDS + MARGIN


def test_a_body_that_comes_byte_by_byte_is_answered_and_cut_off(web: Fleet) -> None:
    with connect(web) as client:
        client.sendall(head(500))
        seconds = trickle(client, b'{"amount": 1' + b" " * 488)
        got = Got(client)
        assert (got.status, got.problem) == (408, "COMMON001"), got.data
        assert got.header("Connection") == "close"
        assert Got(client).closed
    assert READ_SECONDS * 0.9 <= seconds <= READ_SECONDS + MARGIN


def test_a_chunked_body_that_stops_is_answered_and_cut_off(web: Fleet) -> None:
    with connect(web) as client:
        client.sendall(head(None, "Transfer-Encoding: chunked") + b'5\r\n{"amo\r\n')
        got = Got(client)
        assert (got.status, got.problem) == (408, "COMMON001"), got.data


def test_an_idle_connection_is_kept_between_two_requests(web: Fleet) -> None:
    with connect(web) as client:
        for _ in range(2):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
            got = Got(client)
            assert (got.status, got.header("Connection")) == (200, "keep-alive")
            time.sleep(READ_SECONDS * 1.5)  # longer than a request may take


def test_a_client_that_always_asks_again_keeps_nobody_waiting(web: Fleet) -> None:
    # When a modest one asks beside a greedy one, Then it need not wait until that one has all of
    # its answers. Played three times: this process may have stood still before it looked
    waiting = [answered_meanwhile(web) for _ in range(3)]
    assert min(waiting) < 500


def answered_meanwhile(web: Fleet) -> int:
    """How many of the 1,000 requests that one has sent at once are answered before another's."""
    asking = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n"
    with connect(web) as greedy, connect(web) as modest:
        greedy.sendall(1_000 * asking)
        assert greedy.recv(1)
        modest.sendall(asking)
        assert Got(modest).status == 200
        greedy.setblocking(False)
        waiting = 0
        with suppress(BlockingIOError):
            while data := greedy.recv(1_000_000):
                waiting += data.count(b"HTTP/1.1 200")
        return waiting


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_told_so(web: Fleet, chunked: bool) -> None:
    # Given a body of a megabyte, which the client sends before it reads
    body = b'{"a":"' + b"x" * 1_000_000 + b'"}'
    with connect(web) as client:
        if chunked:
            client.sendall(head(None, "Transfer-Encoding: chunked"))
            parts = [body[at : at + 8_000] for at in range(0, len(body), 8_000)]
            try:
                for part in parts:
                    client.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            except OSError:
                pass  # cut off in the middle, which is as good
        else:
            client.sendall(head(len(body)) + body)
        got = Got(client)
        assert (got.status, got.problem) == (413, "COMMON001"), got.data
        assert got.header("Connection") == "close"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(65_536, 202), (65_537, 413)])
def test_the_largest_body(web: Fleet, size: int, status: int, chunked: bool) -> None:
    # Given a body that says something whole before its end, which is only spaces
    body = b'{"amount": 1}'.ljust(size)
    with connect(web) as client:
        if chunked:
            whole = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body)
            client.sendall(head(None, "Transfer-Encoding: chunked") + whole)
        else:
            client.sendall(head(size) + body)
        assert Got(client).status == status


def test_a_length_that_lies(web: Fleet) -> None:
    # When the length is far too large, Then nothing of it is waited for
    with connect(web) as client:
        client.sendall(head(10**12) + b'{"amount": 1}')
        got = Got(client)
        assert (got.status, got.problem) == (413, "COMMON001"), got.data
    # When it is too small, Then the rest is no request, and is told so
    with connect(web) as client:
        client.sendall(head(12) + b'{"amount":1}GARBAGE\r\n\r\n')
        got = Got(client, until_closed=True)
        assert got.data.startswith(b"HTTP/1.1 202 ")
        assert b"HTTP/1.1 400 " in got.data
    # When it is larger than what comes, and the client hangs up, Then nothing was accepted
    with connect(web) as client:
        client.sendall(head(100) + b'{"amount": 1')
        client.shutdown(socket.SHUT_WR)
        got = Got(client)
        assert (got.status, got.problem) == (400, "COMMON001")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 80 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: shop\r\nX Y: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: odd\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: shop\r\nIdempotency-Key: \x7f\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
    ],
    ids=["garbage", "line", "header", "many headers", "name", "coding", "both", "byte", "version"],
)
def test_what_is_no_request_is_a_problem(web: Fleet, sent: bytes, status: int) -> None:
    with connect(web) as client:
        client.sendall(sent)
        got = Got(client)
        assert (got.status, got.problem) == (status, "COMMON001")
        assert got.header("Connection") == "close"
        assert got.header("Server") is None
        assert Got(client).closed


def test_broken_chunks_are_a_problem(web: Fleet) -> None:
    with connect(web) as client:
        client.sendall(head(None, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n")
        got = Got(client)
        assert (got.status, got.problem) == (400, "COMMON001")


def test_a_small_body_that_nobody_reads_keeps_the_connection(web: Fleet) -> None:
    with connect(web) as client:
        lines = b"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello"
        for _ in range(2):
            client.sendall(lines)
            got = Got(client)
            assert (got.status, got.problem) == (401, "COMMON002")
            assert got.header("Connection") == "keep-alive"


def nine_in_ten(web: Fleet, requests: int = 100) -> float:
    """Seconds within which nine in ten of so many requests were answered, from the database."""
    token = issue(1, ["user"], timedelta(hours=1))
    seconds = []
    for _ in range(requests):
        began = time.monotonic()
        answer = web.api.call("GET", "/api/orders", Authorization=f"Bearer {token}")
        seconds.append(time.monotonic() - began)
        assert answer.status == 200
    return sorted(seconds)[requests * 9 // 10 - 1]


def held_to(web: Fleet, before: float) -> None:
    """Others are served as they were before, or within half a second."""
    assert nine_in_ten(web) <= max(0.5, 5 * before)


def test_two_thousand_idle_connections_do_no_harm(web: Fleet) -> None:
    # Given as many files as it takes; where they cannot be had, this fails
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(4_096, min(hard, 65_536)), hard))
    before = nine_in_ten(web)
    with ExitStack() as stack:
        # And two thousand that say nothing, or half a head, or stand idle after a request
        idle = [stack.enter_context(connect(web)) for _ in range(2_000)]
        for client in idle[::3]:
            client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for client in idle[1::3]:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        # When others ask, Then they are answered as ever
        held_to(web, before)
        # And those that were answered are still connected
        for client in idle[1::3][-20:]:
            assert Got(client).status == 200
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
            assert Got(client).status == 200


def test_slow_heads_and_bodies_hold_nobody_up(web: Fleet) -> None:
    before = nine_in_ten(web)
    with ExitStack() as stack:
        # Given two hundred who send a byte at a time, again and again
        slow = [stack.enter_context(connect(web)) for _ in range(200)]
        for number, client in enumerate(slow):
            client.sendall(head(500) if number % 2 else b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        dribbling = Event()

        def dribble() -> None:
            while not dribbling.wait(0.2):
                for client in slow:
                    with suppress(OSError):
                        client.send(b"a")

        thread = Thread(target=dribble, daemon=True)
        thread.start()
        try:
            # When others ask meanwhile, Then they are answered as ever
            held_to(web, before)
        finally:
            dribbling.set()
            thread.join(10)
        # And the slow ones are cut off all the same
        for number, client in enumerate(slow):
            got = Got(client)
            assert got.status == (408 if number % 2 else 0)


def test_those_who_take_no_answer_hold_nobody_up(web: Fleet) -> None:
    before = nine_in_ten(web)
    wanted = b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n" * 50
    with ExitStack() as stack:
        # Given thirty who ask for far more than the buffers of their sockets hold, and read nothing
        for _ in range(30):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect(("127.0.0.1", web.port))
            client.sendall(wanted)
        # When others ask, Then they are answered as ever
        held_to(web, before)


def test_who_takes_no_answer_is_given_up() -> None:
    server, client = socket.socketpair()
    with server, client:
        timed = TimedSocket(server, read_seconds=10, idle_seconds=10, write_seconds=0.2)
        began = time.monotonic()
        with pytest.raises(BrokenPipeError):
            timed.sendall(b"x" * 50_000_000)
        assert 0.2 <= time.monotonic() - began <= 0.2 + MARGIN


def test_a_slow_client_holds_nobody_up_and_fills_no_log_with_errors(web: Fleet) -> None:
    text = web.log("web").read_text()
    assert "Traceback" not in text
    assert '"level":"error"' not in text


@pytest.mark.usefixtures("database")
def test_on_sigterm_those_that_wait_are_answered_and_the_idle_let_go(
    services: TestServices, tmp_path: Path
) -> None:
    fleet = Fleet(services, tmp_path, {"WEB_WORKERS": "1"})
    fleet.start("web")
    try:
        fleet.wait_ready()
        with connect(fleet) as waiting, connect(fleet) as idle, connect(fleet) as late:
            # Given two connections that stand idle, and a request that waits for its job
            for client in (idle, late):
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
                assert Got(client).status == 200
            waiting.sendall(head(13, "Prefer: wait=25") + b'{"amount": 1}')
            eventually(lambda: accepted_one(fleet), 10, "it is accepted")
            # When the process is told to stop
            began = time.monotonic()
            stopping = threading.Thread(target=fleet.stop, args=("web",))
            stopping.start()
            # Then who waits is answered as things stand
            assert Got(waiting).status == 202
            # And a request that comes a second later is answered still, as its connection's last
            time.sleep(1)
            late.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
            last = Got(late)
            assert (last.status, last.header("Connection")) == (200, "close")
            # And the idle connection ends, and so does the process
            assert Got(idle).closed
            stopping.join(20)
            assert time.monotonic() - began < 10
    finally:
        fleet.end()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("asks_again", [True, False])
def test_who_was_told_that_the_connection_stays_may_ask_once_more(
    services: TestServices, tmp_path: Path, asks_again: bool
) -> None:
    told_to_stop = "--logger-class tests.support.stopping_logger.StoppingLogger"
    fleet = Fleet(services, tmp_path, {"WEB_WORKERS": "1"})
    fleet.start("web", GUNICORN_CMD_ARGS=told_to_stop)
    try:
        fleet.wait_ready()
        fleet.api.hang_up()
        [process] = fleet.children("web")
        with connect(fleet) as client:
            # Given a process that is told to stop when an answer has just left, which did not say
            # that it is the last one
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\nX-Then-Stop: 1\r\n\r\n")
            first = Got(client)
            assert (first.status, first.header("Connection")) == (200, "keep-alive")
            if asks_again:
                # When its client asks again, Then it is answered, and told now
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
                last = Got(client)
                assert (last.status, last.header("Connection")) == (200, "close")
            # And who does not ask is let go after a while, and the process ends
            assert Got(client, until_closed=True).data == b""
            eventually(lambda: process not in fleet.children("web"), 10, "the process ends")
    finally:
        fleet.end()


def accepted_one(fleet: Fleet) -> bool:
    page = fleet.api.call("GET", "/metrics").body.decode()
    return 'jobs_accepted_total{kind="balance.charge"} 1.0' in page
