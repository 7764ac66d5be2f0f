"""What is sent together leaves together."""

import socket

import pytest

from web.slow_clients import TimedSocket


class Recorder:
    """A client's socket that notes what it is given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def settimeout(self, seconds: float) -> None: ...

    def sendall(self, data: bytes, *flags: int) -> None:
        self.sent.append(data)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def timed(client: Recorder | socket.socket) -> TimedSocket:
    return TimedSocket(client, read_seconds=1, idle_seconds=1, write_seconds=1)


def test_a_block_is_one_packet(recorder: Recorder) -> None:
    client = timed(recorder)
    with client.together():
        client.sendall(b"head ")
        client.sendall(b"body")
        assert not recorder.sent
    client.sendall(b"more")
    assert recorder.sent == [b"head body", b"more"]


def test_a_block_that_breaks_sends_nothing_and_holds_nothing_back(recorder: Recorder) -> None:
    client = timed(recorder)

    def break_off() -> None:
        with client.together():
            client.sendall(b"head ")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        break_off()
    client.sendall(b"problem")
    assert recorder.sent == [b"problem"]
