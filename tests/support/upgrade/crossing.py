"""An upgrade, step by step, under load that never stops; and the way back."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fleet.console import say
from tests.support.chaos.judge import Verdict, audit_complaints, judge
from tests.support.outbox import Topics
from tests.support.upgrade.clients import PatientTraffic
from tests.support.upgrade.fronts import Seen
from tests.support.upgrade.pair import PROGRAMS, WORKERS, Pair
from tests.support.waiting import eventually

CLIENTS = 6
PAUSE = 0.02
BESIDE_SECONDS = 60.0
"""How long a program may take to do its first piece of work, started beside its other release."""
CATCH_UP_SECONDS = 30.0
RELEASES = ("old", "new")
ORDERS = {"web first": ("web", "workers", "scheduler", "consumers"),
          "workers first": ("workers", "scheduler", "consumers", "web")}


@dataclass(frozen=True)
class Step:
    """``act`` changes what runs; then each of ``at_work`` has to be seen doing something."""

    name: str
    act: Callable[[Pair], None]
    at_work: Sequence[tuple[str, str]] = ()


@dataclass
class Taken:
    """One line of the table."""

    order: str
    step: str
    seconds: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    accepted: int = 0
    repeated: int = 0
    """Accepted requests of a key that had been accepted before, perhaps by the other release."""
    did: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By program: what the old release and the new one did meanwhile."""
    judged: Verdict | None = None
    wrong: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Seen]:
        """Requests answered 5xx, 503 included, or not at all."""
        return [one for one in self.seen if one.status == 0 or one.status >= 500]


def forward(order: str) -> Iterator[Step]:
    """Expand the schema while the old release works on it, then replace program by program."""
    yield Step("old alone, its schema", lambda pair: None, [("old", one) for one in PROGRAMS])
    yield Step("schema migrated beside old", _migrate, [("old", one) for one in PROGRAMS])
    for part in ORDERS[order]:
        programs = WORKERS if part == "workers" else (part,)
        yield Step(f"{part}: new beside old", _beside("new", programs), [
            (release, one) for release in ("old", "new") for one in programs
            # Of two schedulers one leads and the other one stands by.
            if (release, one) != ("new", "scheduler")
        ])
        yield Step(f"{part}: new alone", _left("old", programs), [("new", one) for one in programs])


def backward(order: str) -> Iterator[Step]:
    """The programs go back, in reverse; the schema stays as it is."""
    for part in reversed(ORDERS[order]):
        programs = WORKERS if part == "workers" else (part,)
        yield Step(f"back, {part}: old again", _swapped("old", "new", programs), [
            ("old", one) for one in programs
        ])


def _migrate(pair: Pair) -> None:
    applied = pair.cli("migrate").stdout
    assert "applied" in applied, f"the new release has nothing to migrate: {applied}"


def _beside(release: str, programs: Sequence[str]) -> Callable[[Pair], None]:
    return lambda pair: pair.start(release, *programs)


def _left(release: str, programs: Sequence[str]) -> Callable[[Pair], None]:
    def leave(pair: Pair) -> None:
        for program in programs:
            pair.stop(release, program)

    return leave


def _swapped(to: str, away: str, programs: Sequence[str]) -> Callable[[Pair], None]:
    def swap(pair: Pair) -> None:
        pair.start(to, *programs)
        _left(away, programs)(pair)

    return swap


def take(
    order: str, steps: Sequence[Step], pair: Pair, topics: Topics, seconds: float, seed: int
) -> Iterator[Taken]:
    """Play the steps under load, each ``seconds`` long at least, and judge at the end."""
    whole = Taken(order, "judged after " + ("the way back" if "back" in steps[0].name else "all"))
    began = time.monotonic()
    with PatientTraffic(pair.fronts, clients=CLIENTS, pause=PAUSE, seed=seed) as traffic:
        for step in steps:
            taken = _one(Taken(order, step.name), step, pair, traffic, seconds)
            yield taken
            if taken.wrong:
                break
    whole.judged = judge(pair, traffic.log, topics)
    whole.seconds = time.monotonic() - began
    whole.wrong = [*whole.judged.wrong, *pair.fronts.wrong]
    pair.fronts.wrong.clear()
    _tell(whole)
    yield whole


def _one(taken: Taken, step: Step, pair: Pair, traffic: PatientTraffic, seconds: float) -> Taken:
    began = time.monotonic()
    before = {
        (release, one): pair.done(release, one)
        for release in RELEASES for one in PROGRAMS
    }
    try:
        step.act(pair)
        _await_work(step, pair)
        taken.wrong += _audited(pair)
    except AssertionError as error:
        taken.wrong.append(f"{step.name}: {error}")
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    ended = time.monotonic()
    taken.seconds = ended - began
    taken.seen = pair.fronts.between(began, ended)
    accepted = [one for one in traffic.log.between(began, ended) if one.status == 202]
    taken.accepted = len(accepted)
    taken.repeated = sum(one.tries > 1 for one in accepted)
    for one in PROGRAMS:
        old, new = (pair.done(release, one) - before[release, one] for release in RELEASES)
        taken.did[one] = old, new
    taken.wrong += [f"{one.release}: {one.what} → {one.status}" for one in taken.failed]
    _tell(taken)
    return taken


def _await_work(step: Step, pair: Pair) -> None:
    """Each that should work does something from now on."""
    before = {one: pair.done(*one) for one in step.at_work}
    for one, so_far in before.items():
        release, program = one
        eventually(
            lambda release=release, program=program, so_far=so_far:  # type: ignore[misc]
            pair.done(release, program) > so_far,
            BESIDE_SECONDS, f"the {release} {program} does something",
        )


def _audited(pair: Pair) -> list[str]:
    """What either release's audit finds wrong, in the middle of it. What is not so a little later
    was under way: a ranking that catches up after its consumers were replaced."""
    wrong: list[str] = []
    for release, fleet in pair.fleets.items():
        until = time.monotonic() + CATCH_UP_SECONDS
        while pair.runs(release):
            found = audit_complaints(fleet.cli("audit", "--json", check=False))
            if not found or time.monotonic() > until:
                wrong += [f"{release} release's {text}" for text in found]
                break
    return wrong


def _tell(taken: Taken) -> None:
    verdict = "broken" if taken.wrong else "holds"
    what = (
        f"{taken.judged.promised} jobs and {taken.judged.events} events promised"
        if taken.judged else f"{len(taken.seen)} requests"
    )
    say(f"  {taken.step}: {verdict}, {what} in {taken.seconds:.0f} s")
    for text in taken.wrong[:10]:
        say(f"    {text}")
