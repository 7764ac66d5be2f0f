"""The start-up that all processes share."""

import os
import threading

import pytest
from structlog.testing import capture_logs

from infra import runtime


def test_who_gives_way_does_so_with_all_threads_that_come_after() -> None:
    # Given a thread that gives way to others, and one that it starts
    policies: list[int] = []

    def child() -> None:
        policies.append(os.sched_getscheduler(0))

    def parent() -> None:
        runtime.give_way()
        child()
        later = threading.Thread(target=child)
        later.start()
        later.join()

    before = os.sched_getscheduler(0)
    thread = threading.Thread(target=parent)
    thread.start()
    thread.join()
    # Then both interrupt nobody, and nobody else is changed
    assert policies == [os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == before


def test_a_system_that_forbids_it_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a system that lets nobody choose
    def refuse(*_: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    # When a process wants to give way
    with capture_logs() as said:
        runtime.give_way()
    # Then it goes on, and says so
    assert [entry["event"] for entry in said] == ["process does not give way to others"]
