"""What is itself at fault: an event, a job and a message, each among many that are not."""

import json
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
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
    """Among waiting events of 1,000 aggregates one becomes such that Kafka refuses it; when it is
    dead it is mended and redriven."""
    poison, payload, others, last = _spoiled(scene)
    waiting = (
        "SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL AND id <= %s "
        "AND id <> %s"
    )
    eventually(lambda: asked(waiting, (last, poison))[0][0] == 0, 60, "the others are published")
    eventually(lambda: _state(poison)[0] == "dead", 60, "the poison event is dead")
    attempts = _state(poison)[1]
    measured = Measured(figures={"others": float(others), "attempts": float(attempts)})
    if attempts != OUTBOX_ATTEMPTS:
        measured.wrong.append(f"dead after {attempts} attempts, not {OUTBOX_ATTEMPTS}")
    _write(poison, payload)
    told = scene.stage.cli("outbox", "redrive", str(poison), check=False)
    if told.returncode:
        measured.wrong.append(f"redrive failed: {told.stderr}")
    eventually(lambda: _state(poison)[0] == "published", 30, "it is delivered")
    return measured


def _spoiled(scene: Scene) -> tuple[int, str, int, int]:
    """Issue a coupon to 1,000 users while the scheduler stands still, and spoil one's event.

    Returns its id and its own payload, how many others wait, and the last one's id.
    """
    [scheduler] = scene.stage.pids("scheduler")
    waiting = "FROM outbox_events WHERE pending_shard IS NOT NULL"
    gathered = f"SELECT COUNT(DISTINCT aggregatetype, aggregateid) {waiting}"
    users = _seeded(scene)
    scene.stage.signal(scheduler, signal.SIGSTOP)
    try:
        _issue_to(users, scene)
        eventually(lambda: asked(gathered)[0][0] >= AGGREGATES, 60, "1,000 aggregates wait")
        # A late one, which was not on its way when the scheduler stopped.
        [(poison, payload)] = asked(
            f"SELECT id, payload {waiting} AND type = 'coupon.issued' ORDER BY id DESC LIMIT 1"
        )
        _write(poison, payload[:-1] + ', "filling": "' + "x" * TOO_LARGE + '"}')
        [(others, last)] = asked(f"SELECT COUNT(*) - 1, MAX(id) {waiting}")
    finally:
        scene.stage.signal(scheduler, signal.SIGCONT)
    return poison, payload, others, last


def _seeded(scene: Scene) -> range:
    """Users by the thousand."""
    words = ["--users", str(AGGREGATES), "--products", "1"]
    made = json.loads(scene.stage.cli("seed", "--json", *words).stdout)["users"]
    return range(made["first"], made["last"] + 1)


def _issue_to(users: range, scene: Scene) -> None:
    """Nothing else ever happens to a coupon that was issued: each is an aggregate of one event."""
    api = scene.stage.api
    coupon = api.new_coupon(AGGREGATES)
    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(lambda user: api.issue(user, coupon).status, users))
    assert answers == {202: AGGREGATES}, answers


def _state(id_: int) -> tuple[str, int]:
    [(status, attempts)] = asked(
        "SELECT status, attempts FROM outbox_events WHERE id = %s", (id_,)
    )
    return status, attempts


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
    wanted = {group: before + len(bodies) + 1 for group, before in parked.items()}
    try:
        eventually(
            lambda: {group: _parked(scene, group) for group in groups} == wanted, 30,
            "both consumers park all of them",
        )
    except AssertionError as error:
        measured.wrong.append(str(error))
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
