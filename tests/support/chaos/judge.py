"""After the faults: is everything that was promised done, once, and told to Kafka in order?"""

import time
from dataclasses import dataclass, field
from uuid import UUID

from domain.outbox.events import TOPICS
from infra.database import placeholders, rows, session
from tests.support.chaos.stage import Stage
from tests.support.chaos.traffic import Log
from tests.support.outbox import Topics, committed
from tests.support.waiting import eventually

ENDED = ("succeeded", "failed", "cancelled")
READ_AT_ONCE = 500


@dataclass
class Verdict:
    """What was looked at, and each thing that is wrong, in words; nothing wrong is an empty list."""

    promised: int = 0
    events: int = 0
    seconds_to_quiet: float = 0.0
    wrong: list[str] = field(default_factory=list)


def judge(stage: Stage, log: Log, topics: Topics, seconds: float = 90.0) -> Verdict:
    """Wait for quiet, ``seconds`` at most, then hold the fleet to every promise in ``log``.

    ``topics`` must have been opened before the first event.
    """
    verdict = Verdict()
    began = time.monotonic()
    _await_quiet(log, seconds)
    verdict.seconds_to_quiet = time.monotonic() - began
    _check_promises(log, verdict)
    audit = stage.cli("audit", "--wait", "60", check=False)
    if audit.returncode != 0:
        verdict.wrong.append(f"audit ended with {audit.returncode}:\n{audit.stdout[-3000:]}")
    _check_topics(topics, verdict)
    for entry in log.server_errors():
        verdict.wrong.append(f"{entry.kind} was answered {entry.status} {entry.code}")
    return verdict


def _await_quiet(log: Log, seconds: float) -> None:
    """Until no promised job is under way and no event waits."""

    def quiet() -> bool:
        with session():
            waiting = rows(
                "SELECT (SELECT COUNT(*) FROM jobs WHERE queue_lane IS NOT NULL) + "
                "(SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL)"
            )
        return int(waiting[0][0]) == 0

    eventually(quiet, seconds, f"{len(log.jobs())} promised jobs end, and their events are sent")


def _check_promises(log: Log, verdict: Verdict) -> None:
    """Every job that a client was told of exists and has ended; a key has one job."""
    promised = list(log.jobs())
    verdict.promised = len(promised)
    status: dict[str, str] = {}
    with session():
        for start in range(0, len(promised), READ_AT_ONCE):
            part = [UUID(job).bytes for job in promised[start : start + READ_AT_ONCE]]
            for uuid, state in rows(
                f"SELECT uuid, status FROM jobs WHERE uuid IN ({placeholders(len(part))})", part
            ):
                status[str(UUID(bytes=uuid))] = state
    for job in promised:
        if job not in status:
            verdict.wrong.append(f"job {job} was promised and does not exist")
        elif status[job] not in ENDED:
            verdict.wrong.append(f"job {job} is still {status[job]}")
    by_key: dict[tuple[int, str], set[str]] = {}
    for entry in log.jobs().values():
        by_key.setdefault((entry.user, entry.key), set()).add(entry.job)
    verdict.wrong += [
        f"key {key} of user {user} stands for {len(jobs)} jobs"
        for (user, key), jobs in by_key.items() if len(jobs) > 1
    ]


def _check_topics(topics: Topics, verdict: Verdict) -> None:
    """What Kafka holds, without repeats, is what the outbox owes: each aggregate's, in order."""
    owed, seen = committed(), topics.firsts()
    verdict.events = sum(map(len, owed.values()))
    for key in sorted(owed.keys() | seen.keys()):
        if owed.get(key, []) == seen.get(key, []):
            continue
        missing = set(owed.get(key, [])) - set(seen.get(key, []))
        foreign = set(seen.get(key, [])) - set(owed.get(key, []))
        what = f"lacks {len(missing)}, has {len(foreign)} unknown" if missing or foreign else (
            "is out of order"
        )
        verdict.wrong.append(f"{key} {what}")


__all__ = ["TOPICS", "Verdict", "judge"]
