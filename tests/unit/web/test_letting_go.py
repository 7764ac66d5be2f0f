"""When a web process that is told to stop ends the connections on which nobody asks."""

from types import SimpleNamespace

import pytest

from web import gevent_worker
from web.gevent_worker import LAST_REQUEST_SECONDS, ShopWorker

TOLD = 100.0


class Over(Exception):
    pass


def test_each_has_as_long_for_its_last_request_as_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a connection that has long been idle, and one whose answer leaves after the stop
    now = TOLD
    later = TOLD + 2 * LAST_REQUEST_SECONDS
    worker = ShopWorker.__new__(ShopWorker)
    worker._idle = {"long idle": 10.0}
    worker.wsgi = SimpleNamespace(
        extensions={"shop": SimpleNamespace(waiting=SimpleNamespace(close=lambda: None))}
    )
    ended: dict[str, float] = {}

    def sleep(seconds: float) -> None:
        nonlocal now
        if now < later <= now + seconds:
            worker._idle["idle later"] = later
        now += seconds
        if now > later + 2 * LAST_REQUEST_SECONDS:
            raise Over

    monkeypatch.setattr(gevent_worker, "gevent", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(gevent_worker, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(gevent_worker, "_end_reading", lambda one: ended.setdefault(one, now))
    # When the process is told to stop
    with pytest.raises(Over):
        worker._let_go()
    # Then both are let go, and neither sooner after the other's time
    assert ended["long idle"] - TOLD == pytest.approx(LAST_REQUEST_SECONDS, abs=0.2)
    assert ended["idle later"] - later == pytest.approx(LAST_REQUEST_SECONDS, abs=0.2)
