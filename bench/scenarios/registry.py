"""How a scenario is declared."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.bench import Bench
from bench.record import Recorder

Play = Callable[[Bench, Recorder], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """limits: what its figures are compared with."""

    name: str
    about: str
    limits: frozenset[str]
    play: Play


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, about: str, *limits: str) -> Callable[[Play], Play]:
    """Declare the function below it as a scenario."""

    def declare(play: Play) -> Play:
        SCENARIOS[name] = Scenario(name, about, frozenset(limits), play)
        return play

    return declare
