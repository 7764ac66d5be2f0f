"""How a corruption is written down."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Corruption:
    """``breaks``: by invariant, the rules that do not hold any more.

    ``guards``: what of the schema would prevent it, as pairs of dropping it and restoring it.
    """

    sql: str
    breaks: dict[int, set[str]]
    guards: tuple[tuple[str, str], ...] = ()

    @property
    def tables(self) -> list[str]:
        """The table that it changes."""
        return re.findall(r"^(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)", self.sql)

    def __str__(self) -> str:
        return " ".join(self.sql.split())[:100]


def check(table: str, name: str, condition: str) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})",
    )


def unique(table: str, name: str, columns: str) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} DROP INDEX {name}",
        f"ALTER TABLE {table} ADD UNIQUE KEY {name} ({columns})",
    )
