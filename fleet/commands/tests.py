"""`./dev test`, `./dev chaos`, `./dev guards`, `./dev bench`: those with services of their own."""

import os
import sys
from collections.abc import Mapping, Sequence

from fleet.checkout import Checkout
from fleet.layout import PROJECT
from fleet.services.selection import VARIABLES, prepare

_ALL = ["tests"]
_FAST = ["tests/unit", "tests/integration", "tests/architecture"]
_TOGETHER = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
"""Two processes, each with services of its own, file by file: most of the time tests wait. A later
word overrides these, as -n 0 to have all in one process."""


def test(checkout: Checkout, words: Sequence[str]) -> int:
    """Install what the tests' own services need, then become pytest."""
    return _become(checkout, ["pytest", *arguments(words)])


def chaos(checkout: Checkout, words: Sequence[str]) -> int:
    """Install what its own services need, then become the fault suite."""
    return _become(checkout, ["tests.chaos", *words])


def upgrade(checkout: Checkout, words: Sequence[str]) -> int:
    """The same for the upgrade from the release before this one."""
    return _become(checkout, ["tests.upgrade", *words])


def overload(checkout: Checkout, words: Sequence[str]) -> int:
    """The same for more load than can be done."""
    return _become(checkout, ["tests.overload", *words])


def guards(checkout: Checkout, words: Sequence[str]) -> int:
    """The same for the command of the tests that takes guards away."""
    return _become(checkout, ["tests.guards", *words])


def bench(checkout: Checkout, words: Sequence[str]) -> int:
    """The same for the bench."""
    return _become(checkout, ["bench", *words])


def _become(checkout: Checkout, module: Sequence[str]) -> int:
    prepare(checkout.layout.base, checkout.environment)
    command = [sys.executable, "-m", *module]
    os.execve(command[0], command, _without_services(checkout.environment))  # noqa: S606


def arguments(words: Sequence[str]) -> list[str]:
    """What pytest is called with: the paths among the words, or else those of the choice."""
    fast = words[:1] == ["fast"]
    further = list(words[1:] if fast else words)
    named = any((PROJECT / word.split("::")[0]).exists() for word in further if word[:1] != "-")
    return further if named else [*_TOGETHER, *(_FAST if fast else _ALL), *further]


def _without_services(environment: Mapping[str, str]) -> dict[str, str]:
    """Tests own their instances; a user's are not even known to them."""
    hidden = set(VARIABLES.values())
    return {name: value for name, value in environment.items() if name not in hidden}
