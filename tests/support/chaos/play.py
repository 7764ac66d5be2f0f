"""Playing faults on a stage, one after another, under load, and judging what came of them."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from tests.support.chaos.faults.base import RETURNED_SECONDS, Fault, Measured, Scene
from tests.support.chaos.faults.poison import GARBAGE_KEY
from tests.support.chaos.judge import Verdict, judge
from tests.support.chaos.stage import Stage, staged
from tests.support.chaos.traffic import Entry, Traffic
from tests.support.emptying import empty_tables
from tests.support.outbox import Topics
from tests.support.services import TestServices
from tests.support.topics import empty_topics

CLIENTS = 6
PAUSE = 0.02
"""Seconds between a client's requests: load, but not more than two cores can do."""
SETTINGS = {"DATA_PLATFORM_TIMEOUT": "3"}
"""A slow platform is found out sooner than by default, so that its fault takes less time."""


@contextmanager
def on_stage(
    services: TestServices,
    directory: Path,
    make: Callable[[TestServices, Path], AbstractContextManager[Stage]],
) -> Iterator[tuple[Stage, Topics]]:
    """A fleet on an empty shop, and eyes on its topics."""
    empty_tables()
    with Redis.from_url(services.urls.redis) as client:
        client.flushall()
    empty_topics()
    try:
        with make(services, directory) as stage, Topics() as topics:
            yield stage, topics
    finally:
        for each in (services.database, services.redis, services.kafka):
            each.resume() if each.running() else each.start()


@dataclass
class Played:
    """One fault's runs, and what its judge says."""

    fault: Fault
    asked: int
    runs: list[Measured] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    verdict: Verdict | None = None
    broke: str = ""
    """Why it could not be played to its end."""

    @property
    def taken_up(self) -> list[float]:
        return [seconds for run in self.runs for seconds in run.taken_up]

    @property
    def statuses(self) -> Counter[int]:
        return Counter(entry.status for entry in self.entries)

    def wrong(self) -> list[str]:
        """Everything that must not be."""
        found = [text for run in self.runs for text in run.wrong]
        if self.broke:
            found.append(self.broke)
        if self.verdict is not None:
            found += self.verdict.wrong
        if self.fault.smooth:
            found += [
                f"{entry.kind} was answered {entry.status} {entry.code} after {entry.tries} tries"
                for entry in self.entries if entry.status == 0 or entry.status >= 500
            ]
        return found


def inject(fault: Fault, scene: Scene, into: Played) -> None:
    """One run of a fault, with the requests that met it."""
    began = time.monotonic()
    try:
        into.runs.append(fault.inject(scene))
    except AssertionError as error:
        into.broke = f"{fault.name}: {error}"
    into.entries += scene.traffic.log.between(began, time.monotonic())


def play_each(faults: Sequence[Fault], scene: Scene) -> None:
    """Each once, without a judge of its own; what it saw itself must be right."""
    for fault in faults:
        played = Played(fault, 1)
        inject(fault, scene, played)
        assert not played.wrong(), f"{fault.name}: {played.wrong()}"
        assert max(played.taken_up, default=0.0) <= RETURNED_SECONDS, fault.name


def whole(services: TestServices, directory: Path) -> AbstractContextManager[Stage]:
    """The fleet as everybody runs it."""
    return staged(services, directory, SETTINGS)


def play(
    fault: Fault, asked: int, stage: Stage, topics: Topics, chance: random.Random, share: float,
    until: float,
) -> Played:
    """Play a fault up to ``asked`` times, at least once, until the time ``until``; then judge."""
    played = Played(fault, asked)
    with Traffic(stage.api, clients=CLIENTS, pause=PAUSE, seed=chance.getrandbits(32)) as traffic:
        scene = Scene(stage, traffic, chance, share, long=True)
        while len(played.runs) < asked and not played.broke:
            if played.runs and time.monotonic() > until:
                break
            inject(fault, scene, played)
    garbage = GARBAGE_KEY if fault.last else ""
    played.verdict = judge(stage, traffic.log, topics, garbage_under=garbage)
    return played
