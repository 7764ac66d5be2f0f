"""After the faults: is everything that was promised done, once, and told to Kafka in order?"""

import json
import subprocess
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

from infra.database import placeholders
from tests.support.chaos.readings import Judged, asked, platform
from tests.support.chaos.traffic import Log
from tests.support.outbox import Topics, committed
from tests.support.waiting import eventually

ENDED = ("succeeded", "failed", "cancelled")
READ_AT_ONCE = 500


@dataclass
class Verdict:
    """What was looked at, and each thing that is wrong, in words."""

    promised: int = 0
    events: int = 0
    lost: int = 0
    """Promised jobs that are gone or never ended, and events that are not in Kafka or not at the
    data platform."""
    twice: int = 0
    """Keys that stand for several jobs, and events that are in Kafka or at the platform and that
    nothing in the database accounts for."""
    disordered: int = 0
    """Aggregates whose events are not in order."""
    seconds_to_quiet: float = 0.0
    wrong: list[str] = field(default_factory=list)


def judge(
    stage: Judged, log: Log, topics: Topics, seconds: float = 120.0, garbage_under: str = ""
) -> Verdict:
    """Wait for quiet, ``seconds`` at most, then hold the fleet to every promise in ``log``.

    ``topics`` must have been opened before the first event. Records under the key
    ``garbage_under`` are the test's own: audit has to name them, and nothing else.
    """
    verdict = Verdict()
    began = time.monotonic()
    _await_quiet(stage, log, seconds, verdict)
    verdict.seconds_to_quiet = time.monotonic() - began
    _check_promises(log, verdict)
    _check_audit(stage, garbage_under, verdict)
    _check_topics(topics, garbage_under, verdict)
    _check_platform(stage, verdict)
    return verdict


def judge_promises(log: Log, seconds: float = 60.0) -> Verdict:
    """The part of it that needs no Kafka: every promised job has ended, once."""
    verdict = Verdict()
    log = Log(list(log.entries))  # clients may go on meanwhile
    promised = {UUID(job).bytes for job in log.jobs()}

    def ended() -> bool:
        return not promised & {uuid for (uuid,) in asked(
            "SELECT uuid FROM jobs WHERE queue_lane IS NOT NULL"
        )}

    _await(ended, seconds, f"{len(promised)} promised jobs end", verdict)
    _check_promises(log, verdict)
    return verdict


def _await(quiet: Callable[[], bool], seconds: float, what: str, verdict: Verdict) -> None:
    try:
        eventually(quiet, seconds, what)
    except AssertionError as error:
        verdict.wrong.append(str(error))


_OWED = """
    SELECT (SELECT COUNT(*) FROM jobs WHERE queue_lane IS NOT NULL),
           (SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL),
           (SELECT COUNT(*) FROM order_exports WHERE pending_order_id IS NOT NULL),
           (SELECT COUNT(*) FROM outbox_events WHERE aggregatetype = 'order') -
           (SELECT COUNT(*) FROM order_exports)
"""


def _await_quiet(stage: Judged, log: Log, seconds: float, verdict: Verdict) -> None:
    """Until no promised job is under way, no event waits, the data platform has its own, and so has
    the ranking: its consumer comes back to a Kafka that was away in its own time."""
    what = f"{len(log.jobs())} promised jobs end, and their events are sent and exported"
    _await(lambda: not any(asked(_OWED)[0]), seconds, what, verdict)
    left = asked(_OWED)[0]
    if any(left):
        verdict.wrong.append("left: {} jobs, {} events, {} exports, {} not heard of".format(*left))

    def ranked() -> bool:
        return stage.cli("ranking", "drift", check=False).returncode == 0

    _await(ranked, seconds, "the ranking is what the orders say", verdict)


def _check_audit(stage: Judged, garbage_under: str, verdict: Verdict) -> None:
    audit = stage.cli("audit", "--json", "--wait", "60", check=False)
    expected = {"event-unknown", "event-misplaced"} if garbage_under else set()
    verdict.wrong += audit_complaints(audit, expected)
    if garbage_under and not any(rule in audit.stdout for rule in expected):
        verdict.wrong.append("audit does not name the messages that are not ours")


def audit_complaints(
    audit: subprocess.CompletedProcess[str], expected: AbstractSet[str] = frozenset()
) -> list[str]:
    """What ``audit --json`` found wrong by rules that were not expected, or could not check."""
    try:
        told = json.loads(audit.stdout)
    except ValueError:
        return [f"audit ended with {audit.returncode}: {audit.stderr[-3000:]}"]
    named = {
        violation["rule"]: violation
        for finding in told["invariants"] for violation in finding["violations"]
    }
    return [
        f"audit: {json.dumps(violation)[:1000]}"
        for rule, violation in named.items() if rule not in expected
    ] + [
        f"audit: not checked: {reason}"
        for finding in told["invariants"] for reason in finding["unchecked"]
    ]


def _check_promises(log: Log, verdict: Verdict) -> None:
    """Every job that a client was told of exists and has ended; a key has one job."""
    promised = list(log.jobs())
    verdict.promised = len(promised)
    status: dict[str, str] = {}
    for start in range(0, len(promised), READ_AT_ONCE):
        part = [UUID(job).bytes for job in promised[start : start + READ_AT_ONCE]]
        for uuid, state, by_system in asked(
            "SELECT uuid, status, system_failure FROM jobs "
            f"WHERE uuid IN ({placeholders(len(part))})", part,
        ):
            status[str(UUID(bytes=uuid))] = "given up" if by_system else state
    for job in promised:
        if job not in status:
            verdict.wrong.append(f"job {job} was promised and does not exist")
        elif status[job] not in ENDED:
            verdict.wrong.append(f"job {job} is {status[job]}")
    verdict.lost += sum(status.get(job) not in ENDED for job in promised)
    by_key: dict[tuple[int, str], set[str]] = {}
    for entry in log.jobs().values():
        by_key.setdefault((entry.user, entry.key), set()).add(entry.job)
    doubled = {key: jobs for key, jobs in by_key.items() if len(jobs) > 1}
    verdict.twice += len(doubled)
    verdict.wrong += [
        f"key {key} of user {user} stands for {len(jobs)} jobs"
        for (user, key), jobs in doubled.items()
    ]
    verdict.wrong += [
        f"{entry.kind} was answered {entry.status} {entry.code}" for entry in log.server_errors()
    ]


def _check_topics(topics: Topics, garbage_under: str, verdict: Verdict) -> None:
    """What Kafka holds, without repeats, is what the outbox owes: each aggregate's, in order."""
    owed, seen = committed(), topics.firsts()
    if garbage_under:
        seen = {key: ids for key, ids in seen.items() if not key.endswith(f"/{garbage_under}")}
    verdict.events = sum(map(len, owed.values()))
    for key in sorted(owed.keys() | seen.keys()):
        if owed.get(key, []) == seen.get(key, []):
            continue
        missing = set(owed.get(key, [])) - set(seen.get(key, []))
        foreign = set(seen.get(key, [])) - set(owed.get(key, []))
        verdict.lost += len(missing)
        verdict.twice += len(foreign)
        verdict.disordered += not missing and not foreign
        what = f"lacks {len(missing)}, has {len(foreign)} unknown" if missing or foreign else (
            "is out of order"
        )
        verdict.wrong.append(f"{key} {what}")


def _check_platform(stage: Judged, verdict: Verdict) -> None:
    """The data platform has booked each order's events, once and in order."""
    owed: dict[int, list[str]] = {}
    for order_id, event_id in asked(
        "SELECT aggregateid, event_id FROM outbox_events WHERE aggregatetype = 'order' ORDER BY id"
    ):
        owed.setdefault(order_id, []).append(str(UUID(bytes=event_id)))
    booked: dict[int, list[str]] = {}
    after = 0
    while page := platform(stage, "GET", f"/orders?after={after}")["orders"]:
        for order in page:
            booked[order["orderId"]] = [event["eventId"] for event in order["events"]]
        after = page[-1]["orderId"]
    for order_id in sorted(owed.keys() | booked.keys()):
        due, there = owed.get(order_id, []), booked.get(order_id, [])
        if due == there:
            continue
        verdict.lost += len(set(due) - set(there))
        verdict.twice += len(there) - len(set(there) & set(due))
        verdict.disordered += sorted(due) == sorted(there)
        verdict.wrong.append(f"order {order_id} at the platform: {there}, not {due}")


__all__ = ["Verdict", "audit_complaints", "judge", "judge_promises"]
