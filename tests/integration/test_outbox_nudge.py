"""Nudges over a real Redis, which may be away."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis

import infra.redis
from domain.outbox import nudge
from domain.outbox.nudge import NudgeListener, Nudger
from infra import metrics
from infra.redis import connect
from tests.support.services import TestServices
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("redis")


@pytest.fixture
def heard(services: TestServices) -> Iterator[list[float]]:
    """When nudges were heard; its beginning, which counts as one, is over."""
    moments: list[float] = []
    listener = NudgeListener(services.urls.redis, lambda: moments.append(time.monotonic()))
    listener.start()
    eventually(lambda: moments, 10)
    moments.clear()
    yield moments
    listener.stop()
    assert not listener._thread.is_alive()


def test_a_nudge_is_heard_at_once(heard: list[float], redis: Redis) -> None:
    began = time.monotonic()
    Nudger(redis).nudge()
    eventually(lambda: heard, 5)
    assert heard[0] - began < 1


def test_redis_away_costs_the_sender_little_and_the_listener_comes_back(
    heard: list[float], services: TestServices
) -> None:
    sender = Nudger(connect(services.urls.redis, nudge.ANSWER_SECONDS))
    failed = metrics.outbox_nudges_failed._value.get()
    services.redis.kill()
    try:
        # When Redis is away, Then a nudge is swallowed and counted, and the next are not tried
        began = time.monotonic()
        for _ in range(100):
            sender.nudge()
        assert time.monotonic() - began < 1.5
        assert metrics.outbox_nudges_failed._value.get() == failed + 1
    finally:
        services.redis.start()
    # When it is back, Then the listener is there again, and says so, since it may have missed some
    eventually(lambda: heard, 15)
    # And after its rest the sender is heard
    heard.clear()
    eventually(lambda: (sender.nudge(), heard)[1], 10)


def test_a_redis_that_answers_nothing_costs_the_sender_a_short_while(
    services: TestServices, redis: Redis
) -> None:
    sender = Nudger(connect(services.urls.redis, nudge.ANSWER_SECONDS))
    sender.nudge()
    services.redis.pause()
    try:
        began = time.monotonic()
        for _ in range(100):
            sender.nudge()
        assert time.monotonic() - began < 2
    finally:
        services.redis.resume()


def test_a_connection_that_says_nothing_is_made_anew(
    heard: list[float], services: TestServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra.redis, "QUIET_SECONDS", 0.5)
    monkeypatch.setattr(infra.redis, "DEAF_SECONDS", 2.0)
    # Given a listener that Redis answers, though nobody nudges: it stays connected
    time.sleep(4)
    assert heard == []
    # When Redis stops answering for longer than it is patient, Then it connects anew afterwards
    services.redis.pause()
    try:
        time.sleep(4)
    finally:
        services.redis.resume()
    eventually(lambda: heard, 15)
