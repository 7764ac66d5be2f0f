"""Which tests go red when a guard is gone, and which stay green because another one holds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Catch:
    """A test that must fail, by an assertion of its own whose words or statement match ``says``."""

    test: str
    says: str


@dataclass(frozen=True)
class Case:
    """Guards taken away together. ``green``: tests that pass all the same, thanks to ``held_by``."""

    removed: tuple[str, ...]
    caught_by: Sequence[Catch] = ()
    green: Sequence[str] = ()
    held_by: str = ""

    @property
    def name(self) -> str:
        return " + ".join(self.removed)

    @property
    def tests(self) -> list[str]:
        return [*dict.fromkeys([*(catch.test for catch in self.caught_by), *self.green])]
