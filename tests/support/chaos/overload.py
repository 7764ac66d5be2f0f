"""Load beyond capacity: one lane is flooded, the other one, the memory and the recovery watched.

Each lane in turn: a calm phase, the flood, the queue running empty, and at the end a calm phase
again. The other lane has a modest stream of its own all the time.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from domain.jobs.kinds import Lane
from fleet.layout import PROJECT
from infra.database import placeholders
from tests.support.chaos.flood import Order, Tally
from tests.support.chaos.memory import Held, Memory, fleet_processes, service_processes
from tests.support.chaos.readings import asked
from tests.support.chaos.stage import Stage, staged
from tests.support.chaos.steady import Steady, answered, charges, ended, issues
from tests.support.chaos.traffic import Entry
from tests.support.emptying import empty_tables
from tests.support.services import TestServices
from tests.support.topics import empty_topics
from tests.support.waiting import eventually

FLOOD_USERS, STEADY_USERS = 4_000, 4_000
STEADY_RATE = 20.0
HARMED_TIMES, RECOVERED_TIMES = 5.0, 2.0
"""The other lane is harmed when its p99 is above five times that of the calm, and above
``Extent.harmed`` seconds; and has not recovered when the p99 afterwards is above twice that of
before, and above ``Extent.recovered`` seconds."""
DRAINED_SECONDS = 240.0
FLOWING = 20
"""Answers of the stream, without which nothing can be said of it."""


@dataclass(frozen=True)
class Extent:
    """``seconds``: of each flood; ``calm``: of each calm phase; ``rate``: requests a second.

    Batches are small, so that a lane can do less than the front can accept, however fast the
    machine is: otherwise it is the front that would be flooded, which both lanes share.
    """

    seconds: float
    calm: float = 20.0
    rate: float = 1_000.0
    max_queued: int = 5_000
    max_age: float = 15.0
    drain_batch: int = 8
    connections: int = 40
    harmed: float = 1.0
    recovered: float = 0.25

    def settings(self, services: TestServices) -> dict[str, str]:
        """Past the proxies, which nothing is to be done to here and whose share of the processor
        the fleet would lack."""
        return {
            "LANE_MAX_QUEUED": str(self.max_queued),
            "LANE_MAX_AGE_SECONDS": str(self.max_age),
            "DRAIN_BATCH": str(self.drain_batch),
            "DRAIN_BATCH_PER_KEY": str(self.drain_batch),
            "DATABASE_URL": services.urls.database,
            "REDIS_URL": services.urls.redis,
        }


@dataclass
class Phase:
    """A while of the steady stream: monotonic times, and its requests."""

    name: str
    seconds: float
    entries: list[Entry]
    p50: float
    p99: float
    """Milliseconds from a job's acceptance to its end."""
    answered_p99: float
    """Milliseconds from sending to the answer, which waits for the end."""

    def wrong(self) -> list[str]:
        """Each way in which an answer was not the end of its job; and that there was none."""
        found = Counter((one.status, one.code) for one in self.entries)
        told = [
            f"{self.name}: {times} × the other lane was answered {status} {code}"
            for (status, code), times in found.items() if status not in (200, 201)
        ]
        return told if found else [f"{self.name}: the other lane got no answer"]


@dataclass
class Flooded:
    """What came of one lane's flood. ``held``: by process, those of the services too."""

    extent: Extent
    lane: Lane
    before: Phase
    meanwhile: Phase
    after: Phase
    tally: Tally
    drained_after: float
    done: int
    unkept: int
    held: dict[str, Held]
    services: dict[str, Held]

    def wrong(self) -> list[str]:
        """What must not be, in words."""
        tally, found = self.tally, []
        others = {name: n for name, n in tally.answers.items() if name not in ("202", "503")}
        if others or tally.no_answer:
            found.append(f"answered {others}, and {tally.no_answer} not at all")
        if tally.bare:
            found.append(f"{tally.bare} answers 503 without Retry-After or COMMON008")
        if self.unkept:
            found.append(f"{self.unkept} accepted jobs did not end")
        calm, load, again = self.before.p99, self.meanwhile.p99, self.after.p99
        if load > max(self.extent.harmed * 1000, HARMED_TIMES * calm):
            found.append(f"the other lane's p99 was {load:.0f} ms, {calm:.0f} in the calm")
        if again > max(self.extent.recovered * 1000, RECOVERED_TIMES * calm):
            found.append(f"the other lane's p99 was {again:.0f} ms afterwards, {calm:.0f} before")
        for phase in (self.before, self.meanwhile, self.after):
            found += phase.wrong()
        found += [
            f"{name} grew by {one.growth / 2**20:.1f} MiB over the last two thirds"
            for name, one in self.held.items() if not one.level
        ]
        return [f"{self.lane}: {text}" for text in found]


@dataclass
class Result:
    extent: Extent
    flooded: list[Flooded]
    memory_mebibytes: float
    """The whole fleet's, at most."""
    wrong: list[str] = field(default_factory=list)

    def all_wrong(self) -> list[str]:
        return [text for one in self.flooded for text in one.wrong()] + self.wrong

    def overloaded(self) -> bool:
        """Whether each lane turned requests away: otherwise nothing was tried."""
        return all(one.tally.answers.get("503") for one in self.flooded)


def overload(
    services: TestServices, directory: Path, extent: Extent, lanes: Sequence[Lane] = tuple(Lane)
) -> Result:
    """Flood each of the lanes on an empty shop, and look at all that is promised of it."""
    empty_tables()
    empty_topics()
    with staged(services, directory, extent.settings(services)) as stage:
        stage.flush_redis()
        seeded = stage.cli("seed", "--json", "--users", str(FLOOD_USERS + STEADY_USERS))
        first = json.loads(seeded.stdout)["users"]["first"]
        own = fleet_processes(stage)
        others = service_processes(stage)
        with Memory({**own, **others}) as memory:
            scene = _Scene(stage, extent, first, memory, list(own), list(others))
            flooded = [scene.flood(lane) for lane in lanes]
        result = Result(extent, flooded, memory.total(own) / 2**20)
        if fleet_processes(stage) != own:
            result.wrong.append("a process of the fleet has ended, or was added")
        audit = stage.cli("audit", "--wait", "120", check=False)
        if audit.returncode:
            result.wrong.append(f"audit: {audit.returncode}\n{audit.stdout}{audit.stderr}")
        return result


@dataclass
class _Scene:
    stage: Stage
    extent: Extent
    first_user: int
    memory: Memory
    own: list[str]
    others: list[str]

    def flood(self, lane: Lane) -> Flooded:
        ask = issues if lane == Lane.USERS else charges
        stream = ask(self.stage.api, self.first_user + FLOOD_USERS, STEADY_USERS)
        with Steady(stream, STEADY_RATE) as steady:
            before = self._calm(steady, "calm before")
            began = time.monotonic()
            tally, promised, done = self._flood(lane)
            meanwhile = _phase(steady, "flood", began)
            drained = self._drained(lane)
            after = self._calm(steady, "calm after")
        until = began + self.extent.seconds
        looked = {name: self.memory.held(name, began, until) for name in self.own + self.others}
        return Flooded(
            self.extent, lane, before, meanwhile, after, tally, drained, done, _unkept(promised),
            {name: looked[name] for name in self.own}, {name: looked[name] for name in self.others},
        )

    def _calm(self, steady: Steady, name: str) -> Phase:
        """Once the stream flows, so that no start is measured."""
        steady.await_answers(FLOWING)
        began = time.monotonic()
        time.sleep(self.extent.calm)
        steady.await_answers(FLOWING, began)
        return _phase(steady, name, began)

    def _flood(self, lane: Lane) -> tuple[Tally, bytes, int]:
        """The tally, the ids of the jobs that were promised, and how many ended meanwhile."""
        coupons: list[int] = []
        if lane == Lane.COUPONS:
            needed = int(self.extent.rate * self.extent.seconds / FLOOD_USERS) + 1
            coupons = [self.stage.api.new_coupon(FLOOD_USERS) for _ in range(needed)]
        promised = self.stage.directory / f"promised-{lane}"
        order = Order(
            self.stage.port, self.extent.rate, self.extent.seconds,
            (self.first_user, self.first_user + FLOOD_USERS - 1), coupons, str(promised),
            self.extent.connections,
        )
        before = _ended(lane)
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.chaos.flood"], input=json.dumps(asdict(order)),
            cwd=PROJECT, text=True, stdout=subprocess.PIPE, check=True,
            timeout=self.extent.seconds + 120,
        )
        return Tally(**json.loads(done.stdout)), promised.read_bytes(), _ended(lane) - before

    def _drained(self, lane: Lane) -> float:
        """Seconds until no job of the lane is left but what the stream brings."""
        began = time.monotonic()
        waiting = "SELECT COUNT(*) FROM jobs WHERE queue_lane = %s"
        eventually(
            lambda: asked(waiting, [str(lane)])[0][0] == 0, DRAINED_SECONDS, f"{lane} is drained"
        )
        return time.monotonic() - began


def _phase(steady: Steady, name: str, began: float) -> Phase:
    until = time.monotonic()
    entries = steady.log.between(began, until)
    return Phase(
        name, until - began, entries, ended(entries, 0.5), ended(entries, 0.99),
        answered(entries, 0.99),
    )


_KINDS = {Lane.COUPONS: "coupon.issue", Lane.USERS: "balance.charge"}


def _ended(lane: Lane) -> int:
    ended = "SELECT COUNT(*) FROM jobs WHERE kind = %s AND queue_lane IS NULL"
    return int(asked(ended, [_KINDS[lane]])[0][0])


def _unkept(promised: bytes) -> int:
    """How many of these jobs are not there, have not ended, or were given up by the system."""
    ids = [promised[at : at + 16] for at in range(0, len(promised), 16)]
    kept = 0
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        [(count,)] = asked(
            "SELECT COUNT(*) FROM jobs WHERE queue_lane IS NULL AND "
            f"system_failure IS NULL AND uuid IN ({placeholders(len(part))})", part,
        )
        kept += count
    return len(ids) - kept
