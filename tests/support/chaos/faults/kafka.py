"""Kafka away, slow, restarted: accepting does not notice, and afterwards all arrives at once."""

import time

from tests.support.chaos.faults.base import (
    Fault,
    Measured,
    Scene,
    accept_milliseconds,
    percentile,
    recovered,
)
from tests.support.chaos.readings import asked, under_way
from tests.support.waiting import eventually

DRAIN_TIMES = 2.0
"""How many times the arrival rate the backlog is drained at, at least …"""
ROUNDS_SECONDS = 1.0
"""… but for what the relay's rounds take, and the test's own looks …"""
SETTLING_SECONDS = 5.0
"""… and, where the broker itself was new, the relay's first back-off: a topic that it does not know
yet, as it comes up, is asked for again after that."""
SLOWER = 1.10
"""What accepting may take at most, of what it took before."""
NOISE_MILLISECONDS = 10.0
"""What two stretches of the same load differ by anyway."""
NOTICED_SECONDS = 45.0
"""The relay asks a Kafka that was away again within 30 s."""
PENDING = "SELECT COUNT(*), COALESCE(MAX(id), 0) FROM outbox_events WHERE pending_shard IS NOT NULL"
PUBLISHED = "SELECT COUNT(*) FROM outbox_events WHERE status = 'published'"


def _before(scene: Scene) -> float:
    scene.flowing()
    seconds = scene.lasting(120, 15 if scene.long else 3)
    return percentile(accept_milliseconds(scene.rest(seconds)), 0.99)


def _judged(scene: Scene, measured: Measured, before: float, during: float) -> Measured:
    measured.figures |= {"accept p99 ms before": before, "accept p99 ms meanwhile": during}
    if scene.long and during > before * SLOWER + NOISE_MILLISECONDS:
        measured.wrong.append(f"accept p99 rose from {before:.0f} to {during:.0f} ms")
    return measured


def away(scene: Scene) -> Measured:
    """SIGSTOP: connections stay open and nothing answers (half-open)."""
    before = _before(scene)
    kafka = scene.stage.services.kafka
    seconds = scene.lasting(600, 15)
    kafka.pause()
    try:
        during = percentile(accept_milliseconds(scene.rest(seconds)), 0.99)
    finally:
        kafka.resume()
    measured = drained(scene)
    measured.figures["away s"] = seconds
    return _judged(scene, measured, before, during)


def restarted(scene: Scene) -> Measured:
    scene.flowing()
    scene.stage.services.kafka.restart()
    return drained(scene, SETTLING_SECONDS)


def slow(scene: Scene) -> Measured:
    """It runs for a fifth of the time."""
    before = _before(scene)
    kafka = scene.stage.services.kafka
    began = time.monotonic()
    end = began + scene.lasting(120, 6)
    try:
        while time.monotonic() < end:
            kafka.pause()
            time.sleep(0.4)
            kafka.resume()
            time.sleep(0.1)
    finally:
        kafka.resume()
    entries = scene.traffic.log.between(began, time.monotonic())
    during = percentile(accept_milliseconds(entries), 0.99)
    return _judged(scene, drained(scene), before, during)


def drained(scene: Scene, settling: float = ROUNDS_SECONDS) -> Measured:
    """Wait until the events that wait now are sent, and compare how fast with how fast more came.

    The rates are taken from the moment on at which the relay has noticed that Kafka is back.
    """
    back = time.monotonic()
    mark = under_way()
    [(backlog, last)] = asked(PENDING)
    [(sent,)] = asked(PUBLISHED)
    measured = Measured()
    try:
        eventually(lambda: asked(PUBLISHED)[0][0] > sent, NOTICED_SECONDS, "the relay goes on")
        noticed = time.monotonic()
        waits = "SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL AND id <= %s"
        eventually(lambda: asked(waits, (last,))[0][0] == 0, 120, f"{backlog} events are drained")
    except AssertionError as error:
        return Measured(wrong=[str(error)])
    took = max(0.001, time.monotonic() - noticed)
    [(came,)] = asked("SELECT COUNT(*) FROM outbox_events WHERE id > %s", (last,))
    arrival = came / max(0.001, time.monotonic() - back)
    measured = recovered(scene, mark)
    measured.figures |= {
        "backlog": float(backlog), "drained after s": time.monotonic() - back,
        "drain per arrival": backlog / took / max(1.0, arrival),
    }
    if took > settling + backlog / (DRAIN_TIMES * max(1.0, arrival)):
        measured.wrong.append(
            f"{backlog} events took {took:.1f} s to drain, while {arrival:.0f}/s arrived"
        )
    return measured


KAFKA = [
    Fault("Kafka away (stopped, so half-open too)", 1, away, 720),
    Fault("Kafka slow", 1, slow, 190),
    Fault("Kafka restarted", 5, restarted, 25),
]
