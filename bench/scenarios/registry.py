"""How a scenario is declared."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.bench import Bench
from bench.record import Recorder

Play = Callable[[Bench, Recorder], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """limits: what its figures are compared with. by_name: played only if it is named, because it
    compares ways to build or to set the shop, which takes long and which no target is about."""

    name: str
    about: str
    limits: frozenset[str]
    play: Play
    by_name: bool = False


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, about: str, *limits: str, by_name: bool = False
) -> Callable[[Play], Play]:
    """Declare the function below it as a scenario."""

    def declare(play: Play) -> Play:
        SCENARIOS[name] = Scenario(name, about, frozenset(limits), play, by_name)
        return play

    return declare
