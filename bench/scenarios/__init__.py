"""The scenarios, in the order in which a whole bench plays them: those that fill the tables last."""

from bench.scenarios import (  # isort: skip
    accepting, commands, contention, backlogs, standing, curves, reading,
)
from bench.scenarios.registry import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario"]

_FILES = (accepting, commands, contention, backlogs, standing, curves, reading)
