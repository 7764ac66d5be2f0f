import random
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from infra.slots import Slots
from tests.support.waiting import eventually


class Asker(threading.Thread):
    """Asks for a slot, notes it in ``served`` and keeps it."""

    def __init__(
        self, slots: Slots, name: str, served: list[str], seconds: float = 30, first: bool = False
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._slots, self._served, self._seconds, self._first = slots, served, seconds, first
        before = slots.waiting()
        self.start()
        eventually(lambda: slots.waiting() == before + 1)

    def run(self) -> None:
        if self._slots.acquire(self._seconds, first=self._first):
            self._served.append(self.name)


def taken(number: int) -> Slots:
    slots = Slots(number)
    for _ in range(number):
        assert slots.acquire(0)
    return slots


def test_whoever_asks_at_the_moment_of_a_release_is_behind_those_who_wait() -> None:
    # Given one slot, which is taken, and somebody who waits for it
    slots, served = taken(1), []
    waiter = Asker(slots, "waiter", served)
    # When it is given back and asked for in the same breath
    slots.release()
    got = slots.acquire(0)
    # Then it is the waiter's
    assert not got
    waiter.join(10)
    assert served == ["waiter"]


def test_slots_are_handed_out_in_the_order_in_which_they_were_asked_for() -> None:
    slots, served = taken(1), []
    askers = [Asker(slots, str(number), served) for number in range(20)]
    for asker in askers:
        slots.release()
        asker.join(10)
    assert served == [str(number) for number in range(20)]


def test_those_on_whom_others_wait_come_before_all_who_are_not_and_keep_their_order() -> None:
    # Given two who wait, and after them two who are to come first
    slots, served = taken(1), []
    patient = [Asker(slots, name, served) for name in ("a", "b")]
    urgent = [Asker(slots, name, served, first=True) for name in ("x", "y")]
    # When slots are given back one by one
    for asker in (*urgent, *patient):
        slots.release()
        asker.join(10)
    assert served == ["x", "y", "a", "b"]


def test_who_waits_in_vain_is_forgotten() -> None:
    slots, served = taken(2), []
    impatient = Asker(slots, "impatient", served, seconds=0.2)
    impatient.join(10)
    assert (slots.waiting(), served) == (0, [])
    # and takes no slot with it
    slots.release()
    assert slots.acquire(0)


def test_a_slot_that_was_never_taken_cannot_be_given_back() -> None:
    with pytest.raises(ValueError, match="nobody has taken"):
        Slots(1).release()


class Killed(BaseException):
    pass


@pytest.fixture
def killed_while_waiting() -> Iterator[Callable[[Slots], None]]:
    """Raises Killed in this thread once it waits for a slot."""

    def kill(*_: object) -> None:
        raise Killed

    def arm(slots: Slots) -> None:
        me = threading.get_ident()

        def wait_and_kill() -> None:
            eventually(slots.waiting)
            time.sleep(0.1)  # queued up, and in a moment where it waits
            signal.pthread_kill(me, signal.SIGUSR2)

        threading.Thread(target=wait_and_kill, daemon=True).start()

    before = signal.signal(signal.SIGUSR2, kill)
    yield arm
    signal.signal(signal.SIGUSR2, before)


def test_who_is_killed_while_waiting_leaves_nothing_behind(
    killed_while_waiting: Callable[[Slots], None],
) -> None:
    slots = taken(1)
    killed_while_waiting(slots)
    with pytest.raises(Killed):
        slots.acquire(30)
    assert slots.waiting() == 0
    slots.release()
    assert slots.acquire(0)


def test_never_more_than_there_are_and_none_lost_under_a_crowd_that_gives_up() -> None:
    # Given three slots and twelve threads, of which many wait for no longer than a moment
    slots, using, most, lost = Slots(3), [0], [0], []
    lock = threading.Lock()

    def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(200):
            if not slots.acquire(chance.choice([0, 0.0005, 5]), first=chance.random() < 0.1):
                continue
            with lock:
                using[0] += 1
                most[0] = max(most[0], using[0])
            time.sleep(chance.random() / 2000)
            with lock:
                using[0] -= 1
            slots.release()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(12)]
    # When they come and go
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        lost += [thread] if thread.is_alive() else []
    # Then all are through, never more than three at once, and three are free
    assert (lost, most) == ([], [3])
    assert [slots.acquire(0) for _ in range(4)] == [True, True, True, False]
