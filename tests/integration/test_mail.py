"""The mail client beside a real SMTP server, and beside sockets that do the worst servers do."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import mail
from infra.mail import MailServer as Client
from infra.mail import Reply
from tests.support.mail_server import MailServer

MESSAGE = b"From: a@shop.kr\r\nTo: kim@example.org\r\nSubject: x\r\n\r\n.\r\nbody\r\n"
KIM = "kim@example.org"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    running = MailServer(tmp_path).start()
    yield running
    running.kill()


def client_of(server: MailServer, url: str = "", timeout: float = 5.0) -> Client:
    return Client(url or server.url, "bounce@shop.kr", timeout)


def test_a_mail_arrives_as_it_is(server: MailServer) -> None:
    reply = client_of(server).send(KIM, MESSAGE)
    assert (reply.stage, reply.code) == ("message", 250)
    [got] = server.mails()
    assert (got.sender, got.recipient) == ("bounce@shop.kr", KIM)
    assert got.message["Subject"] == "x"
    # And a line that is a dot alone did not end it
    assert got.message.get_content().splitlines() == [".", "body"]


def test_mails_share_a_connection_and_a_refused_one_does_not_spoil_it(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = []
    connect = Client._connect
    monkeypatch.setattr(Client, "_connect", lambda self: connections.append(1) or connect(self))
    client = client_of(server)
    # Given an address that is refused between others, and a message
    server.behave(refuse={"no@example.org": "550 5.1.1 unknown"})
    assert client.send(KIM, MESSAGE).code == 250
    assert client.send("no@example.org", MESSAGE) == Reply(
        "recipient", 550, "5.1.1 unknown <no@example.org>"
    )
    server.behave(data="451 4.3.0 later")
    assert client.send(KIM, MESSAGE) == Reply("message", 451, "4.3.0 later")
    server.behave()
    assert client.send(KIM, MESSAGE).code == 250
    # Then all went over one connection
    assert len(connections) == 1
    assert server.recipients() == [KIM, KIM]


def test_a_kept_connection_that_the_server_closed_costs_no_mail(server: MailServer) -> None:
    client = client_of(server)
    assert client.send(KIM, MESSAGE).code == 250
    server.kill()
    server.start()
    assert client.send(KIM, MESSAGE).code == 250
    assert len(server.mails()) == 2


def test_nobody_listens(server: MailServer) -> None:
    client = client_of(server)
    server.kill()
    reply = client.send(KIM, MESSAGE)
    assert (reply.stage, reply.code) == ("connect", None)
    assert "refused" in reply.text


def test_a_login_is_given_where_one_is_asked_for(server: MailServer) -> None:
    server.behave(user="me", password="p w")
    url = f"smtp://me:p%20w@127.0.0.1:{server.port}"
    assert client_of(server, url).send(KIM, MESSAGE).code == 250
    # And a wrong one, or none, is told from everything else
    wrong = client_of(server, url.replace("p%20w", "no")).send(KIM, MESSAGE)
    assert (wrong.stage, wrong.code) == ("login", 535), wrong
    none = client_of(server).send(KIM, MESSAGE)
    assert (none.stage, none.code) == ("sender", 530)


def test_a_server_that_cannot_encrypt_gets_no_password(server: MailServer) -> None:
    server.behave(user="me", password="pw")
    url = f"smtp://me:pw@127.0.0.1:{server.port}?starttls=1"
    reply = client_of(server, url).send(KIM, MESSAGE)
    assert (reply.stage, reply.code) == ("connect", None)
    assert "STARTTLS" in reply.text


def test_a_connection_that_breaks_after_the_message_leaves_it_open(server: MailServer) -> None:
    server.behave(cut=True)
    reply = client_of(server).send(KIM, MESSAGE)
    assert (reply.stage, reply.code) == ("message", None)
    assert server.recipients() == [KIM]


def test_a_server_that_stands_still_is_given_up(server: MailServer) -> None:
    client = client_of(server, timeout=2.0)
    assert client.send(KIM, MESSAGE).code == 250
    server.pause()
    begun = time.monotonic()
    reply = client.send(KIM, MESSAGE)
    server.resume()
    assert (reply.stage, reply.code) == ("connect", None)
    assert time.monotonic() - begun < 15


def trickle(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"2")
        time.sleep(0.05)


def trickle_after_greeting(connection: socket.socket) -> None:
    connection.sendall(b"220 hi\r\n")
    trickle(connection)


def never_end(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-hi\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (trickle, None), (trickle_after_greeting, None), (never_end, None),
        (lambda connection: connection.sendall(b"\xff\x00 babble\r\n"), -1),
        (lambda connection: connection.sendall(b"554 no service\r\n"), 554),
        (lambda connection: None, None),
    ],
    ids=["trickles", "trickles later", "never ends", "babbles", "refuses", "hangs up"],
)
def test_whatever_a_server_does_is_told_in_time(
    act: Callable[[socket.socket], None], code: int | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    act(connection)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = Client(f"smtp://127.0.0.1:{listener.getsockname()[1]}", "a@shop.kr", 0.4)
        begun = time.monotonic()
        reply = client.send(KIM, MESSAGE)
        assert (reply.stage, reply.code) == ("connect", code)
        assert time.monotonic() - begun < 3
        thread.join(5)
        assert not thread.is_alive()


def test_the_end_does_not_wait_for_a_server_that_stands_still(server: MailServer) -> None:
    # Given kept connections to a server that has stopped answering
    client = client_of(server)
    for _ in range(6):
        client._idle.append(mail._Kept(client._connect(), 0, time.monotonic()))
    server.pause()
    # Then they are closed, and only the first is waited for
    begun = time.monotonic()
    client.close()
    server.resume()
    assert time.monotonic() - begun < mail.FAREWELL_SECONDS + 2
    assert not client._idle
