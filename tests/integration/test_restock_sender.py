"""Restock notices from the table to a real SMTP server, which refuses, cuts, stands still, dies."""

import logging
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from redis import Redis

from domain.restock import sender as sender_module
from domain.restock import service
from infra import logs
from infra.mail import Reply
from tests.support.mail_server import MailServer
from tests.support.market import given_product, select
from tests.support.restock import (
    address,
    addresses_kept,
    cancelled,
    many_waiting,
    restock,
    sell_out,
    statuses,
    subscribers,
    waiting,
)
from tests.support.restock_sending import (
    FROM,
    Client,
    addresses,
    came_back,
    faults,
    sending,
    state,
)
from tests.support.shop import given_users
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    running = MailServer(tmp_path).start()
    yield running
    running.kill()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once: what is tested is that they come, and to what they lead."""
    monkeypatch.setattr(sender_module, "random", lambda: 0.0)
    monkeypatch.setattr(sender_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(sender_module, "TAKE_OVER_SECONDS", 0.05)
    monkeypatch.setattr(sender_module, "TELL_SECONDS", 0.05)


@pytest.fixture
def debug_log() -> Iterator[StringIO]:
    """All that is logged, at its most talkative."""
    root, stream = logging.getLogger(), StringIO()
    handlers, level = root.handlers[:], root.level
    logs.configure("tests", "debug", stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def test_who_waited_gets_one_mail_and_is_forgotten(server: MailServer) -> None:
    # Given one who waits for a product that is out
    product = given_product(0)
    [user] = waiting(product, 1)
    with sending(server):
        # When it comes back, and again comes more of it
        restock(product)
        eventually(lambda: statuses() == {"told": 1})
        restock(product)
        # Then there is one mail, to them, about it
        [mail] = server.mails()
        assert (mail.sender, mail.recipient) == ("no-reply@shop.kr", address(user))
        assert mail.message["To"] == address(user)
        assert mail.message["From"] == FROM
        assert mail.message["Subject"] == "Back in stock: thing at 1000"
        [(uuid, back_at, created)] = select(
            "SELECT message_uuid, back_at, created_at FROM restock_mails"
        )
        assert mail.message["Message-ID"] == f"<restock-{UUID(bytes=uuid)}@shop.kr>"
        assert back_at <= created
        # And their address is nowhere any more
        assert addresses_kept() == []
        eventually(lambda: state() == "up")
    assert len(server.mails()) == 1


def test_a_cancelled_order_is_told_and_the_next_time_only_to_who_asks_anew(
    redis: Redis, server: MailServer
) -> None:
    product = given_product(2)
    [buyer] = given_users(100_000)
    order = sell_out(redis, buyer, product)
    first, second = waiting(product, 2)
    with sending(server):
        cancelled(redis, buyer, order)
        eventually(lambda: statuses() == {"told": 2})
        # Given that one of them asks anew, and it goes out and comes back once more
        service.subscribe(product, first, "again@example.org")
        cancelled(redis, buyer, sell_out(redis, buyer, product))
        eventually(lambda: statuses() == {"told": 3})
    assert server.recipients() == sorted([address(first), address(second), "again@example.org"])


def test_a_thousand_who_wait_are_told_once_each_by_two_senders(server: MailServer) -> None:
    product = given_product(0)
    users = many_waiting(product, 1_000)
    with sending(server, concurrency=8), sending(server, concurrency=8):
        restock(product)
        eventually(lambda: statuses() == {"told": 1_000}, 60)
    assert server.recipients() == addresses(users)
    assert len({mail.message["Message-ID"] for mail in server.mails()}) == 1_000


def test_a_mail_server_that_is_away_loses_none_and_costs_no_try(server: MailServer) -> None:
    # Given mails that have a single try each, and a server that is not there
    server.kill()
    _, users = came_back(20)
    with sending(server, tries=1):
        eventually(lambda: state() == "away")
        # Then calls are held back, and none dies of it
        before = select("SELECT SUM(attempts) FROM restock_mails")[0][0]
        time.sleep(0.5)
        assert select("SELECT SUM(attempts) FROM restock_mails")[0][0] <= before + 1
        assert {(status, used) for status, used, _ in faults()} <= {("pending", 0), ("sending", 0)}
        # And all arrive when it is back
        server.start()
        eventually(lambda: statuses() == {"told": 20})
        eventually(lambda: state() == "up")
    assert server.recipients() == addresses(users)


def test_a_mail_server_that_stands_still_loses_none(server: MailServer) -> None:
    server.pause()
    _, users = came_back(3)
    with sending(server, tries=1):
        eventually(lambda: any(error for _, _, error in faults()), 20)
        server.resume()
        eventually(lambda: statuses() == {"told": 3}, 30)
    assert server.recipients() == addresses(users)


def test_a_mail_server_that_wants_another_login_or_sender_loses_none(server: MailServer) -> None:
    server.behave(user="me", password="pw")
    _, users = came_back(12)
    with sending(server, tries=1):
        eventually(lambda: state() == "away")
        assert {(status, used) for status, used, _ in faults()} <= {("pending", 0), ("sending", 0)}
        server.behave()
        eventually(lambda: statuses() == {"told": 12})
    assert server.recipients() == addresses(users)


def test_a_mail_server_that_relays_for_nobody_loses_none(server: MailServer) -> None:
    # Given a server that refuses all, for what it thinks of us
    server.behave(refuse={"*": "554 5.7.1 Relay access denied"})
    _, users = came_back(12)
    with sending(server, tries=8):
        eventually(lambda: state() == "away")
        server.behave()
        eventually(lambda: statuses() == {"told": 12})
    assert server.recipients() == addresses(users)


def test_an_address_that_is_not_there_is_dead_at_once_and_holds_nobody_up(
    server: MailServer,
) -> None:
    # Given one address of three that the server does not know
    product = given_product(0)
    users = waiting(product, 3)
    server.behave(refuse={address(users[1]): "550 5.1.1 No such user"})
    # When they are told
    with sending(server):
        restock(product)
        eventually(lambda: statuses() == {"told": 2, "dead": 1})
    # Then it was asked once, and what is kept of it names no address
    assert server.recipients() == addresses([users[0], users[2]])
    assert faults()[1] == ("dead", 1, "recipient: 550 5.1.1 No such user <…@…>")
    assert select("SELECT attempts FROM restock_mails WHERE status = 'dead'") == [(1,)]
    assert addresses_kept() == []


def test_later_is_tried_again_while_others_are_told(server: MailServer) -> None:
    # Given a server that answers one of them "later", as for strangers, and a retry that is not due
    # again at once
    product = given_product(0)
    users = waiting(product, 3)
    server.behave(refuse={address(users[0]): "450 4.2.0 Greylisted, come back"})
    with sending(server, tries=100):
        restock(product)
        eventually(lambda: statuses().get("told") == 2)
        eventually(lambda: faults()[0][2] is not None)
        assert addresses_kept() == [address(users[0])]
        # When it has come to know us
        server.behave()
        eventually(lambda: statuses() == {"told": 3})
    assert server.recipients() == addresses(users)


def test_a_mail_that_fails_where_others_fare_well_is_dead_after_its_tries() -> None:
    # Given a server that takes all but one
    class Picky:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def send(self, recipient: str, message: bytes) -> Reply:
            self.asked.append(recipient)
            bad = recipient == address(users[0])
            return Reply("message", 451 if bad else 250, "4.3.0 later" if bad else "OK")

        def close(self) -> None:
            pass

    product = given_product(0)
    users = waiting(product, 1)
    picky = Picky()
    with sending(picky, tries=3, concurrency=1):
        restock(product)
        eventually(lambda: statuses() == {"dead": 1})
    assert picky.asked == [address(users[0])] * 3
    assert addresses_kept() == []


def test_who_unsubscribes_is_not_told_though_the_mail_was_made(server: MailServer) -> None:
    server.kill()
    product, [stays, goes] = came_back(2)
    with sending(server):
        eventually(lambda: state() == "away")
        service.unsubscribe(product, goes)
        server.start()
        eventually(lambda: statuses() == {"told": 1})
    assert server.recipients() == [address(stays)]
    assert subscribers(product) == []


def test_a_mail_of_which_nobody_knows_whether_it_arrived_is_known_by_its_message_id(
    server: MailServer,
) -> None:
    # Given a server that breaks off after it has taken the mail, as our death would look to us
    server.behave(cut=True)
    came_back(1)
    with sending(server):
        eventually(server.mails)
        server.behave()
        eventually(lambda: statuses() == {"told": 1})
    # Then all that arrived are one mail
    assert len(server.mails()) >= 2
    assert len({mail.message["Message-ID"] for mail in server.mails()}) == 1


def test_without_a_mail_server_notices_are_made_and_wait(
    server: MailServer, debug_log: StringIO
) -> None:
    with sending(None):
        _, users = came_back(3)
        eventually(lambda: statuses() == {"pending": 3})
        eventually(lambda: state() == "unset")
    assert debug_log.getvalue().count("SMTP_URL names no mail server") == 1
    with sending(server):
        eventually(lambda: statuses() == {"told": 3})
    assert server.recipients() == addresses(users)


def test_a_fault_of_ours_is_a_failure_and_not_the_end_and_tells_no_address(
    server: MailServer, debug_log: StringIO
) -> None:
    class Broken(Client):
        broken = True

        def send(self, recipient: str, message: bytes) -> Reply:
            if self.broken:
                self.broken = False
                raise ValueError(f"a bug about {recipient}")
            return super().send(recipient, message)

    came_back(1)
    with sending(Broken(server.url, "no-reply@shop.kr", 2.0)):
        eventually(lambda: statuses() == {"told": 1})
    assert faults() == [("told", 1, "message: ValueError")]
    assert "a bug about" not in debug_log.getvalue()


def test_no_address_is_ever_logged(server: MailServer, debug_log: StringIO) -> None:
    # Given all that can go wrong
    product = given_product(0)
    users = waiting(product, 4)
    server.behave(
        refuse={
            address(users[0]): "550 5.1.1 No such user", address(users[1]): "450 4.2.0 later",
        }
    )
    restock(product)
    with sending(server, tries=2):
        eventually(lambda: statuses() == {"told": 2, "dead": 2})
    said = debug_log.getvalue()
    assert "a restock notice is dead" in said
    assert "@example.org" not in said
