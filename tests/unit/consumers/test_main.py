"""One process of several parts: how it ends."""

import threading
import time

import pytest

from workers.consumers import main


def until_told(stop: threading.Event) -> None:
    stop.wait(10)


def breaks(stop: threading.Event) -> None:
    raise RuntimeError("broken")


def ends_unasked(stop: threading.Event) -> None:
    return


def test_ends_well_when_told() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert main.run({"one": until_told, "other": until_told}, stop) == 0


@pytest.mark.parametrize("part", [breaks, ends_unasked])
def test_a_part_that_ends_unasked_ends_all_the_others_and_fails_the_process(part) -> None:
    stop = threading.Event()
    begun = time.monotonic()
    assert main.run({"one": until_told, "other": part}, stop) == 1
    assert stop.is_set()
    assert time.monotonic() - begun < 5


def test_a_part_that_does_not_end_in_time_fails_the_process(monkeypatch) -> None:
    monkeypatch.setattr(main, "END_SECONDS", 0.2)
    stop, gate = threading.Event(), threading.Event()
    stop.set()
    assert main.run({"deaf": lambda _: gate.wait(10) and None}, stop) == 1
    gate.set()
