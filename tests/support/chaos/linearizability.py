"""Linearizability: could operations that overlapped have happened one at a time?

A history holds what clients saw from outside: what each asked for, when, and what it was answered,
when. It is linearizable (Herlihy & Wing 1990) if an instant can be chosen for every operation,
between its call and its return, such that the operations, done one at a time in the order of these
instants, give exactly the answers that were seen. An operation without an answer may have happened
at any instant after its call, or never.

The search is that of Wing & Gong ("Testing and verifying concurrent objects", J. Parallel and
Distributed Computing 17, 1993) in the form that Lowe gave it ("Testing for linearizability",
Concurrency and Computation: Practice and Experience 29(4), 2017): operations are linearized just in
time, that is when one of them returns that has not been yet, and then only those needed before it;
and a configuration (which of the operations under way have happened; the state that this led to) is
looked at once. Histories of several objects are decided object by object, which is sound and
complete for any history (Horn & Kroening, "Faster linearizability checking via P-compositionality",
FORTE 2015).
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

MAX_CONFIGURATIONS = 500_000
"""Configurations looked at for one return, beyond which the search is given up."""

State = Hashable
Configuration = tuple[int, State]
"""A bit for each operation that has happened and has not returned, and the state."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What one client asked of one object, and saw. Times are of one monotonic clock."""

    key: Hashable
    asked: Any
    called_at: float
    returned_at: float = inf
    """Infinity where no answer came: then ``answer`` means nothing."""
    answer: Any = None

    @property
    def answered(self) -> bool:
        return self.returned_at < inf


class Model(Protocol):
    """The object as it is specified, one operation at a time. States are hashable, never None."""

    def initial(self, key: Hashable) -> State:
        """The state before the history."""

    def step(self, state: State, operation: Operation) -> State | None:
        """The state after ``operation``, None if it is not answered so in ``state``.

        Of one that was not answered: the state if it takes effect now, None if it could not.
        """


@dataclass(frozen=True, slots=True)
class Violation:
    """Whatever happened before, ``operation`` cannot have been answered as it was."""

    operation: Operation
    states: Sequence[State]
    """In which the object may have been, at the return before that one."""
    underway: Sequence[Operation]

    def __str__(self) -> str:
        others = "".join(f"\n  beside {one}" for one in self.underway if one != self.operation)
        return f"{self.operation}\n  from any of {list(self.states)}{others}"


class Undecided(RuntimeError):
    """The history is too entangled to be decided: no verdict, which is no pass."""


def violations(history: Iterable[Operation], model: Model) -> list[Violation]:
    """For each object whose part of ``history`` is not linearizable, what stands against it.

    Raises Undecided.
    """
    parts: dict[Hashable, list[Operation]] = {}
    for operation in history:
        parts.setdefault(operation.key, []).append(operation)
    found = [_Search(model, part).run(model.initial(key)) for key, part in parts.items()]
    return [violation for violation in found if violation is not None]


class _Search:
    """One object's operations, in the order of their events."""

    def __init__(self, model: Model, operations: Sequence[Operation]) -> None:
        self._model = model
        self._operations = operations
        self._underway = 0

    def run(self, initial: State) -> Violation | None:
        """Follow every configuration that agrees with what was seen so far."""
        configurations: set[Configuration] = {(0, initial)}
        for number, returns in self._events():
            bit = 1 << number
            if not returns:
                self._underway |= bit
                continue
            agreeing = self._linearize(number, configurations)
            if not agreeing:
                states = sorted({state for _, state in configurations}, key=repr)
                return Violation(self._operations[number], states, self._named(self._underway))
            self._underway &= ~bit
            configurations = {(happened & ~bit, state) for happened, state in agreeing}
        return None

    def _events(self) -> list[tuple[int, bool]]:
        """(operation, whether it returns) by time. Calls come before returns of the same instant,
        so that operations which only touch count as overlapping."""
        events = [(one.called_at, False, at) for at, one in enumerate(self._operations)]
        events += [
            (one.returned_at, True, at) for at, one in enumerate(self._operations) if one.answered
        ]
        return [(at, returns) for _, returns, at in sorted(events)]

    def _linearize(self, number: int, before: set[Configuration]) -> set[Configuration]:
        """All configurations in which ``number`` has happened, and nothing after it but what had
        happened already: it last, behind any of the others under way that it may need."""
        agreeing: set[Configuration] = set()
        seen = set(before)
        waiting = list(before)
        while waiting:
            happened, state = waiting.pop()
            if happened >> number & 1:
                agreeing.add((happened, state))
                continue
            for other in _bits(self._underway & ~happened):
                after = self._model.step(state, self._operations[other])
                if after is None:
                    continue
                configuration = (happened | 1 << other, after)
                if configuration not in seen:
                    seen.add(configuration)
                    waiting.append(configuration)
            if len(seen) > MAX_CONFIGURATIONS:
                raise Undecided(f"more than {MAX_CONFIGURATIONS} configurations")
        return agreeing

    def _named(self, bits: int) -> list[Operation]:
        return [self._operations[number] for number in _bits(bits)]


def _bits(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
