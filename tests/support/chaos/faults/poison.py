"""What is itself at fault: an event, a job and a message, each among many that are not."""

import os
import signal
import time
from uuid import uuid4

from confluent_kafka import Producer

from domain.jobs.intake import Intake
from domain.jobs.kinds import Command, Lane
from domain.jobs.rules import MAX_LOST_ALONE
from infra.database import affected, transaction
from infra.settings import settings
from tests.support.chaos.apart import OUTBOX_ATTEMPTS
from tests.support.chaos.faults.base import Fault, Measured, Scene, recovered
from tests.support.chaos.readings import asked, metric, under_way
from tests.support.waiting import eventually

AGGREGATES = 1000
TOO_LARGE = 1_100_000
"""Characters that no record may hold."""
GARBAGE_KEY = "garbage"
"""The key under which a judge finds the messages that are none of the shop's."""


def event(scene: Scene) -> Measured:
    """While the scheduler stands still events of 1,000 aggregates gather; one is made one that
    Kafka refuses."""
    stage, measured = scene.stage, Measured()
    [scheduler] = stage.pids("scheduler")
    gathered = (
        "SELECT COUNT(DISTINCT aggregatetype, aggregateid) FROM outbox_events "
        "WHERE pending_shard IS NOT NULL"
    )
    stage.signal(scheduler, signal.SIGSTOP)
    try:
        eventually(lambda: asked(gathered)[0][0] >= AGGREGATES, 120, "1,000 aggregates wait")
        # Of a coupon, since nothing else ever happens to one that was issued.
        [(poison, payload), *_] = asked(
            "SELECT id, payload FROM outbox_events WHERE type = 'coupon.issued' "
            "AND pending_shard IS NOT NULL ORDER BY id LIMIT 1"
        )
        _write(poison, payload[:-1] + ', "filling": "' + "x" * TOO_LARGE + '"}')
        [(others,)] = asked(
            "SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL AND id <> %s",
            (poison,),
        )
        [(last,)] = asked("SELECT MAX(id) FROM outbox_events")
    finally:
        stage.signal(scheduler, signal.SIGCONT)
    waiting = (
        "SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL AND id <= %s "
        "AND id <> %s"
    )
    eventually(lambda: asked(waiting, (last, poison))[0][0] == 0, 60, "the others are published")
    state = "SELECT status, attempts FROM outbox_events WHERE id = %s"
    eventually(lambda: asked(state, (poison,))[0][0] == "dead", 60, "the poison event is dead")
    attempts = asked(state, (poison,))[0][1]
    if attempts != OUTBOX_ATTEMPTS:
        measured.wrong.append(f"dead after {attempts} attempts, not {OUTBOX_ATTEMPTS}")
    _write(poison, payload)
    told = stage.cli("outbox", "redrive", str(poison), check=False)
    if told.returncode:
        measured.wrong.append(f"redrive failed: {told.stderr}")
    eventually(lambda: asked(state, (poison,))[0][0] == "published", 30, "it is delivered")
    measured.figures = {"others": float(others), "attempts": float(attempts)}
    return measured


def _write(id_: int, payload: str) -> None:
    with transaction():
        assert affected("UPDATE outbox_events SET payload = %s WHERE id = %s", (payload, id_)) == 1


def job(scene: Scene) -> Measured:
    """A job whose every attempt kills its worker, with another of the same user behind it."""
    from tests.support.chaos.poison_worker import KINDS, POISON

    scene.flowing()
    stage = scene.stage
    user = stage.api.new_user()
    command = Command(POISON.name, user, user, f"user:{user}", {})
    poison = Intake(KINDS, _wake_nobody).submit(command, uuid4()).uuid
    behind = stage.api.charge(user, 7)
    mark = under_way()
    state = "SELECT status, JSON_VALUE(error, '$.code'), attempts FROM jobs WHERE uuid = %s"
    eventually(
        lambda: asked(state, (poison.bytes,))[0][0] == "failed", 120, "the poison job is given up"
    )
    [(_, code, attempts)] = asked(state, (poison.bytes,))
    measured = recovered(scene, mark)
    # The first made it a suspect, beside others or not; the rest were made alone.
    if (code, attempts) != ("COMMON004", 1 + MAX_LOST_ALONE):
        measured.wrong.append(f"failed as {code} after {attempts} attempts")
    if stage.api.ended(behind, user)["status"] != "succeeded":
        measured.wrong.append("the job behind it did not succeed")
    measured.figures["attempts"] = float(attempts)
    return measured


def _wake_nobody(_: Lane) -> None:
    """The sweeper finds it."""


def message(scene: Scene) -> Measured:
    """Messages that are no order events at all, where order events are expected."""
    scene.flowing()
    groups = ("order-exports", "ranking")
    parked = {group: _parked(scene, group) for group in groups}
    bodies = [b"", b"\x00\xff\xfe", b"{", b"[]", b'{"schemaVersion": 1}', os.urandom(1000)]
    producer = Producer({"bootstrap.servers": settings().kafka_bootstrap_servers, "acks": "all"})
    for body in bodies:
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_id", str(uuid4()).encode()), ("ce_type", b"order.completed"),
        ]
        producer.produce("orders.events", value=body, key=GARBAGE_KEY.encode(), headers=headers)
    producer.produce("orders.events", value=b"no headers", key=GARBAGE_KEY.encode())
    assert producer.flush(20) == 0
    mark, measured = under_way(), Measured()
    for group in groups:
        wanted = parked[group] + len(bodies) + 1
        try:
            eventually(lambda g=group, w=wanted: _parked(scene, g) == w, 30, f"{group} parks all")
        except AssertionError as error:
            measured.wrong.append(f"{error}: {_parked(scene, group)}, not {wanted}")
    time.sleep(1)
    told = recovered(scene, mark)
    told.wrong += measured.wrong
    return told


def _parked(scene: Scene, group: str) -> float:
    return metric(scene.stage, "consumer_parked_total", consumer=group)


POISON_FAULTS = [
    Fault("poison event among 1,000 aggregates", 1, event, 40),
    Fault("poison job that kills its worker", 1, job, 40),
    Fault("poison message for the consumers", 1, message, 15, last=True),
]
