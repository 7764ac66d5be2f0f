"""The scenarios. A whole bench plays them in this order: those that fill the tables come last."""

# The order of these imports is that of the scenarios.
from bench.scenarios import accepting  # isort: skip
from bench.scenarios import commands  # isort: skip
from bench.scenarios import contention  # isort: skip
from bench.scenarios import backlogs  # isort: skip
from bench.scenarios import standing  # isort: skip
from bench.scenarios import curves  # isort: skip
from bench.scenarios import reading  # isort: skip
from bench.scenarios import reads  # isort: skip
from bench.scenarios import indexes  # isort: skip
from bench.scenarios import growth  # isort: skip
from bench.scenarios import lock_strategies  # isort: skip
from bench.scenarios import lock_granularity  # isort: skip
from bench.scenarios import sweep  # isort: skip
from bench.scenarios.registry import SCENARIOS, Scenario

__all__ = [
    "SCENARIOS", "Scenario", "accepting", "backlogs", "commands", "contention", "curves",
    "growth", "indexes", "lock_granularity", "lock_strategies", "reading", "reads", "standing",
    "sweep",
]
