"""The disk is looked at beside a load."""

import os
import time
from pathlib import Path

import pytest

from bench.flushes import Flushes
from tests.support.waiting import eventually


def test_a_disk_that_stalls_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a disk of which every third flush takes 60 ms
    flush, seen = os.fdatasync, list[int]()

    def stalling(descriptor: int) -> None:
        seen.append(descriptor)
        if len(seen) % 3 == 0:
            time.sleep(0.06)
        flush(descriptor)

    monkeypatch.setattr(os, "fdatasync", stalling)
    # When it is looked at
    with Flushes(tmp_path) as flushes:
        eventually(lambda: len(flushes.milliseconds) >= 6, 10)
    # Then that shows, and nothing is left behind
    figures = flushes.figures()
    assert figures["flush_most_ms"] >= figures["flush_p99_ms"] >= 60
    assert 20 < figures["flush_slow_percent"] < 60
    assert list(tmp_path.iterdir()) == []


def test_without_a_look_nothing_is_slow(tmp_path: Path) -> None:
    assert set(Flushes(tmp_path).figures().values()) == {0.0}
