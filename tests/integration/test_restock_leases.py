"""Who may send a restock notice: leases, take-overs, and how a sender ends."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import peewee
import pytest

from domain.restock import mail_store, rules
from domain.restock import sender as sender_module
from infra.database import run_transaction, session
from infra.mail import Reply
from infra.settings import Settings
from tests.support.mail_server import MailServer
from tests.support.restock import fan_out_all, statuses
from tests.support.restock_sending import FROM, came_back, sending
from tests.support.waiting import eventually
from workers.consumers import restock_mails

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


def claimed_by(token: bytes, seconds: float) -> list[int]:
    """What this sender gets of all that is due."""
    with session():
        due = mail_store.due(10)
    if not due:
        return []
    return [one.id for one in run_transaction(lambda: mail_store.claim(token, due, seconds))]


def test_a_sender_killed_between_its_claim_and_the_mail(server: MailServer) -> None:
    # Given a mail that was claimed, and its sender gone
    came_back(1)
    fan_out_all()
    assert len(claimed_by(uuid4().bytes, seconds=0.3)) == 1
    # When another works, Then that one tells when the lease has run out
    with sending(server):
        eventually(lambda: statuses() == {"told": 1})
    assert len(server.mails()) == 1


def test_a_late_word_on_a_lease_that_another_has_now_is_fenced_off() -> None:
    # Given a sender that stood still until its lease ran out, and another that took over
    came_back(1)
    fan_out_all()
    gone, other = uuid4().bytes, uuid4().bytes
    [mail] = claimed_by(gone, seconds=0.1)
    eventually(lambda: run_transaction(lambda: mail_store.take_over(10)) == 1)
    assert claimed_by(other, seconds=30) == [mail]
    # When the first has its say, Then nothing changes
    late = mail_store.Failure(mail, "late", fault=True, delay=None)
    assert run_transaction(lambda: mail_store.failed(gone, [late])) == 0
    assert run_transaction(lambda: mail_store.told(gone, [mail])) == 0
    assert run_transaction(lambda: mail_store.release(gone, [mail])) == 0
    assert run_transaction(lambda: mail_store.told(other, [mail])) == 1


def test_a_mail_whose_lease_runs_out_under_way_is_not_sent_beside_itself() -> None:
    # Given a server that takes longer than the lease
    class Slow:
        asked = 0

        def send(self, recipient: str, message: bytes) -> Reply:
            self.asked += 1
            eventually(lambda: statuses() == {"pending": 1}, what="the lease runs out")
            time.sleep(0.3)
            return Reply("message", 250, "OK")

        def close(self) -> None:
            pass

    slow = Slow()
    came_back(1)
    with sending(slow, lease_seconds=0.2):
        eventually(lambda: statuses() == {"told": 1})
    assert slow.asked == 1


def test_a_live_lease_is_nobody_elses() -> None:
    came_back(3)
    fan_out_all()
    with session():
        due = mail_store.due(10)
    assert len(claimed_by(uuid4().bytes, seconds=30)) == 3
    # Even to one that looked before it was taken
    assert run_transaction(lambda: mail_store.claim(uuid4().bytes, due, seconds=30)) == []
    assert claimed_by(uuid4().bytes, seconds=30) == []
    assert run_transaction(lambda: mail_store.take_over(10)) == 0


class Gated:
    """A mail server that takes no mail before its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.taken: list[str] = []

    def send(self, recipient: str, message: bytes) -> Reply:
        self.gate.wait(20)
        self.taken.append(recipient)
        return Reply("message", 250, "OK")

    def close(self) -> None:
        pass


def test_the_end_waits_for_mails_under_way_and_begins_none() -> None:
    # Given mails that last until the sender has been told to end, and a while longer
    server = Gated()
    with sending(server, at_end=threading.Timer(0.4, server.gate.set).start, concurrency=4):
        came_back(12)
        eventually(lambda: statuses().get("sending") == 4)
        # When the sender is told to end
    # Then those under way ended and are written down; the others wait for the next process
    assert statuses() == {"told": 4, "pending": 8}
    assert len(server.taken) == 4


def test_a_mail_that_outlasts_the_end_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "FINISH_SECONDS", 0.2)
    server = Gated()
    with sending(server):
        came_back(1)
        eventually(lambda: statuses() == {"sending": 1})
    server.gate.set()
    # Then another process need not wait for its lease to run out
    with session():
        assert len(mail_store.due(10)) == 1


def test_word_is_kept_while_the_database_is_away(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that refuses to be written to for a while
    refused = []
    write = mail_store.told

    def refusing(token: bytes, ids: list[int]) -> int:
        if len(refused) < 3:
            refused.append(ids)
            raise peewee.OperationalError(2013, "Lost connection")
        return write(token, ids)

    monkeypatch.setattr(mail_store, "told", refusing)
    with sending(server):
        came_back(1)
        eventually(lambda: statuses() == {"told": 1})
    # Then it is written down when the database is back, without a second mail
    assert len(refused) == 3
    assert len(server.mails()) == 1


def test_the_leases_of_the_consumers_outlast_what_a_mail_can_take() -> None:
    settings = Settings(
        smtp_url="smtp://mail.example", mail_from=FROM, smtp_timeout=60
    )
    sender = restock_mails.sender(settings)
    assert sender._lease_seconds > 3 * 60
    assert settings.smtp_attempts > sender_module.BREAKER_THRESHOLD
    assert rules.SERVER_AWAY.cap <= 30
