"""Who gets a connection first while all of a process's are in use."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from domain.controls import service as controls
from domain.jobs.backlog import measure
from domain.jobs.intake import Intake
from domain.jobs.kinds import Lane
from domain.kernel.ids import uuid7
from domain.kinds import KINDS
from domain.operations.figures import gather
from domain.wallet import charge
from infra import database as database_module
from infra.database import database, session
from infra.settings import settings
from infra.slots import Slots
from tests.support.shop import given_users
from tests.support.waiting import eventually
from web import readiness
from web.waiting import Waiting

pytestmark = pytest.mark.usefixtures("database", "redis")


@pytest.fixture
def slots(monkeypatch: pytest.MonkeyPatch) -> Slots:
    """There is one connection, it is in use, and nobody gives up waiting for it."""
    [user] = given_users(0)
    assert user == 1
    one = Slots(1)
    monkeypatch.setattr(database, "slots", one)
    monkeypatch.setattr(database_module, "_CHECKOUT_SECONDS", 60)
    assert one.acquire(0)
    return one


def accept() -> None:
    command = charge.command(1, 1, 100, None, None)
    Intake(KINDS, lambda lane: None).submit(command, uuid7())


def tell_of_an_end() -> None:
    waiting = Waiting(settings().redis_url)
    waiting._waiters[uuid7()] = []
    waiting._hand_out(list(waiting._waiters))


def asks(what: Callable[[], Any], slots: Slots) -> threading.Thread:
    """A thread that does it, once it waits for a connection."""
    before = slots.waiting()
    thread = threading.Thread(target=what, daemon=True)
    thread.start()
    eventually(lambda: slots.waiting() > before)
    return thread


@pytest.mark.parametrize("what", [
    pytest.param(accept, id="those who accept work"),
    pytest.param(tell_of_an_end, id="those who tell waiters of an end"),
    pytest.param(lambda: measure(Lane.USERS, 10), id="the look at the backlog"),
    pytest.param(lambda: controls.Watch().current(), id="the look at the controls"),
    pytest.param(lambda: controls.change("read-only", False, 9), id="an operator's switch"),
    pytest.param(readiness._ask, id="readyz"),
    pytest.param(gather, id="the operators' page"),
])  # fmt: skip
def test_on_whom_many_wait_comes_before_readers_who_asked_sooner(
    slots: Slots, what: Callable[[], Any]
) -> None:
    # Given readers who wait for the connection, and will keep it
    enough = threading.Event()

    def read() -> None:
        with session():
            enough.wait(30)

    readers = [asks(read, slots) for _ in range(3)]
    # When somebody comes on whom many wait, and it is given back
    urgent = asks(what, slots)
    slots.release()
    # Then they have it first, or would not be done while a reader keeps it
    urgent.join(10)
    overtaken = urgent.is_alive()
    enough.set()
    for thread in (urgent, *readers):
        thread.join(10)
        assert not thread.is_alive()
    assert not overtaken


def test_readers_are_served_in_the_order_in_which_they_asked(slots: Slots) -> None:
    # Given twenty readers who wait
    served: list[int] = []

    def reader(number: int) -> Callable[[], None]:
        def read() -> None:
            with session():
                served.append(number)

        return read

    threads = [asks(reader(number), slots) for number in range(20)]
    # When the connection is given back
    slots.release()
    for thread in threads:
        thread.join(10)
    # Then nobody has overtaken anybody
    assert served == list(range(20))
