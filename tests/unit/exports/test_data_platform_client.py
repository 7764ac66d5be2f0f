"""The HTTP client beside servers that do what servers do: cut, trickle, babble, redirect."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from infra.data_platform import MAX_ANSWER_BYTES, DataPlatform

EVENT = UUID("019365b0-0000-7000-8000-000000000001")
BODY = b'{"eventId":"x"}'


class Server:
    """One that reads a request and then does with the connection as the test says."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.act: Callable[[socket.socket], None] = lambda connection: None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while self._reads_request(connection):
                try:
                    self.act(connection)
                except OSError:
                    return

    def _reads_request(self, connection: socket.socket) -> bool:
        data = b""
        while not data.endswith(BODY):
            part = connection.recv(65_536)
            if not part:
                return False
            data += part
        self.requests.append(data)
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def answer(status: str, body: bytes = b"{}", *headers: str) -> Callable[[socket.socket], None]:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + body)


def platform(url: str, timeout: float = 2.0) -> DataPlatform:
    return DataPlatform(url, timeout=timeout, connections=4)


def test_posts_under_the_events_key_over_a_kept_connection(server: Server) -> None:
    server.act = answer("201 Created", b'{"ok":1}')
    client = platform(server.url + "/")
    replies = [client.send(EVENT, BODY) for _ in range(3)]
    assert [(one.status, one.body, one.error) for one in replies] == [(201, b'{"ok":1}', None)] * 3
    assert server.connections == 1
    head = server.requests[0].lower()
    assert head.startswith(b"post /orders http/1.1\r\n")
    assert f"idempotency-key: {EVENT}".encode() in head
    assert b"content-type: application/json" in head


def test_does_not_follow_redirects_and_reads_retry_after(server: Server) -> None:
    server.act = answer("307 Temporary Redirect", b"", "Location: /elsewhere", "Retry-After: 7")
    reply = platform(server.url).send(EVENT, BODY)
    assert (reply.status, reply.retry_after, len(server.requests)) == (307, 7.0, 1)


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "²", ""])
def test_passes_by_a_retry_after_that_is_no_number_of_seconds(server: Server, header: str) -> None:
    server.act = answer("503 Busy", b"", f"Retry-After: {header}".encode().decode("latin-1"))
    reply = platform(server.url).send(EVENT, BODY)
    assert (reply.status, reply.retry_after) == (503, None)


def test_a_port_where_nobody_listens_is_not_reached() -> None:
    with socket.socket() as bound:  # bound, so nobody else gets it, but not listening
        bound.bind(("127.0.0.1", 0))
        reply = platform(f"http://127.0.0.1:{bound.getsockname()[1]}").send(EVENT, BODY)
    assert (reply.status, reply.reached) == (None, False)
    assert "NewConnectionError" in (reply.error or "")


def test_a_name_that_is_nobodys_is_not_reached() -> None:
    reply = platform("http://nobody.invalid:80").send(EVENT, BODY)
    assert (reply.status, reply.reached) == (None, False)


def test_a_cut_connection_was_reached(server: Server) -> None:
    server.act = lambda connection: connection.shutdown(socket.SHUT_RDWR)
    reply = platform(server.url).send(EVENT, BODY)
    assert (reply.status, reply.reached) == (None, True)
    assert len(server.requests) == 1  # and not repeated behind our back


def test_an_answer_cut_in_its_middle_is_no_answer(server: Server) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        connection.shutdown(socket.SHUT_RDWR)

    server.act = half
    reply = platform(server.url).send(EVENT, BODY)
    assert (reply.status, reply.reached) == (None, True)


def test_babble_is_no_answer(server: Server) -> None:
    server.act = lambda connection: connection.sendall(b"NO CARRIER\r\n\r\n") or (
        connection.shutdown(socket.SHUT_RDWR)
    )
    assert platform(server.url).send(EVENT, BODY).status is None


def test_silence_ends_with_the_time_out(server: Server) -> None:
    server.act = lambda connection: time.sleep(3)
    begun = time.monotonic()
    reply = platform(server.url, timeout=0.3).send(EVENT, BODY)
    assert time.monotonic() - begun < 1.5
    assert (reply.status, reply.reached) == (None, True)
    assert "ReadTimeoutError" in (reply.error or "")


def test_a_trickle_ends_within_about_twice_the_time_out(server: Server) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.1)

    server.act = trickle
    begun = time.monotonic()
    reply = platform(server.url, timeout=0.4).send(EVENT, BODY)
    assert time.monotonic() - begun < 2
    assert reply.status is None


def test_an_endless_answer_is_not_read_to_its_end(server: Server) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(100_000):
            connection.sendall(b" " * MAX_ANSWER_BYTES)

    server.act = endless
    reply = platform(server.url).send(EVENT, BODY)
    assert reply.status is None
    assert "bytes" in (reply.error or "")
