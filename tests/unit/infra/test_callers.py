"""The pool of threads that wait."""

import threading

from infra import callers
from infra.callers import Callers
from tests.support.waiting import eventually


def threads() -> int:
    return sum(thread.name.startswith("caller-") for thread in threading.enumerate())


def test_makes_all_calls_with_as_many_threads_as_needed_and_no_more() -> None:
    # Given a pool of five whose first calls hang
    pool, gate, done = Callers(5), threading.Event(), []
    before = threads()
    for number in range(3):
        pool.submit(lambda number=number: (gate.wait(10), done.append(number)))  # type: ignore[misc]
    # Then three calls have three threads
    eventually(lambda: threads() - before == 3)
    # When more come than it may have threads
    for number in range(3, 40):
        pool.submit(lambda number=number: (gate.wait(10), done.append(number)))  # type: ignore[misc]
    eventually(lambda: threads() - before == 5)
    gate.set()
    # Then all are made, by those five
    eventually(lambda: len(done) == 40)
    assert sorted(done) == list(range(40))
    assert threads() - before <= 5


def test_idle_threads_go_and_work_that_comes_meanwhile_is_not_lost(monkeypatch) -> None:
    # Given threads that leave after a hundredth of a second
    monkeypatch.setattr(callers, "IDLE_SECONDS", 0.01)
    pool, done, before = Callers(4), [], threads()
    # When calls come at about the moment they leave
    for number in range(60):
        pool.submit(lambda number=number: done.append(number))  # type: ignore[misc]
        eventually(lambda number=number: len(done) > number, 5.0)  # type: ignore[misc]
        threading.Event().wait(0.01)
    # Then none was lost, and in the end no thread is left
    assert done == list(range(60))
    # (others' threads, from tests before this one, may go meanwhile)
    eventually(lambda: threads() <= before)
