"""The long form: as many of each fault as the table says, or as the minutes given allow.

The order and every choice come from the seed, so that a run can be repeated; how the processes and
threads of the machine meet cannot.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fleet.console import StartError, say
from tests.support.chaos.apart import stage_apart
from tests.support.chaos.faults.base import Fault
from tests.support.chaos.faults.catalogue import APART, WHOLE
from tests.support.chaos.play import Played, on_stage, play, whole
from tests.support.chaos.stage import Stage
from tests.support.chaos.table import as_json, verdict, wrong
from tests.support.services import TestServices

JUDGE_SECONDS = 25.0
"""What a judge takes, roughly, for the plan."""
MakeStage = Callable[[TestServices, Path], AbstractContextManager[Stage]]


@dataclass(frozen=True)
class Act:
    """What is played on one stage, in order, each with how often."""

    make: MakeStage
    parts: Sequence[tuple[Fault, int]]


@dataclass(frozen=True)
class Plan:
    acts: Sequence[Act]
    share: float
    """Of the whole long form's times and durations."""

    def faults(self) -> Iterator[tuple[Fault, int]]:
        for act in self.acts:
            yield from act.parts


def plan(minutes: float, chance: random.Random, only: Sequence[str] = ()) -> Plan:
    """Draw the order, and scale the table to the time. Raises StartError if ``only`` names none."""
    stages: list[tuple[MakeStage, list[Fault]]] = [
        (whole, _chosen(WHOLE, only)), (stage_apart, _chosen(APART, only)),
    ]
    every = [fault for _, faults in stages for fault in faults]
    if not every:
        raise StartError(f"no fault is named {', '.join(only)}")
    in_full = sum(fault.times * fault.seconds for fault in every)
    for_faults = minutes * 60 - JUDGE_SECONDS * len(every)
    share = min(1.0, max(0.0, for_faults / in_full))
    acts: list[Act] = []
    for make, faults in stages:
        chance.shuffle(faults)
        faults.sort(key=lambda fault: fault.last)
        parts = [(fault, max(1, round(fault.times * share))) for fault in faults]
        if parts:
            acts.append(Act(make, parts))
    chance.shuffle(acts)
    return Plan(acts, share)


def _chosen(groups: dict[str, list[Fault]], only: Sequence[str]) -> list[Fault]:
    """Those whose group or name holds one of the words."""
    return [
        fault for group, faults in groups.items() for fault in faults
        if not only or any(word.lower() in f"{group}: {fault.name}".lower() for word in only)
    ]


def run(
    services: TestServices, directory: Path, planned: Plan, chance: random.Random, minutes: float
) -> list[Played]:
    """Play it all; what there was no time for comes back without a run."""
    until = time.monotonic() + minutes * 60
    done: dict[str, Played] = {}
    for number, act in enumerate(planned.acts):
        made = directory / f"act{number}"
        made.mkdir()
        _play_act(act, services, made, planned, chance, until, done)
    return [done.get(fault.name, Played(fault, times)) for fault, times in planned.faults()]


def _play_act(
    act: Act, services: TestServices, directory: Path, planned: Plan, chance: random.Random,
    until: float, done: dict[str, Played],
) -> None:
    with on_stage(services, directory, act.make) as (stage, topics):
        for fault, times in act.parts:
            if time.monotonic() > until:
                return
            say(f"{fault.name}: {times} of {fault.times}")
            played = play(fault, times, stage, topics, chance, planned.share, until)
            done[fault.name] = played
            say(f"  {verdict(played)} {as_json(played)['takenUpSeconds']}")
            for text in wrong(played)[:10]:
                say(f"  {text}")
