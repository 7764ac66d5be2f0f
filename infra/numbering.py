"""The numbers that the database gives by itself, and who else is connected to it.

``ALTER TABLE … AUTO_INCREMENT`` commits by itself and rebuilds nothing; InnoDB keeps the number
over restarts (MySQL 8, MariaDB from 10.2.4).
"""

import re
from dataclasses import dataclass

from infra.database import execute, rows

_FOLLOWING = re.compile(r"\) ENGINE=.*\bAUTO_INCREMENT=(\d+)")
_TABLE_WAIT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Numbering:
    """A table that numbers its rows: the highest number there is, and the next that is given."""

    table: str
    highest: int
    following: int


def numberings() -> list[Numbering]:
    """Every table that numbers its rows, by name; in the caller's session."""
    found = rows(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND extra LIKE '%%auto_increment%%' ORDER BY table_name"
    )
    return [_numbering(table, column) for table, column in found]


def _numbering(table: str, column: str) -> Numbering:
    [(highest,)] = rows(f"SELECT COALESCE(MAX({column}), 0) FROM {table}")
    # Asked of the definition: MySQL's information_schema may be a day late.
    [(_, definition)] = rows(f"SHOW CREATE TABLE {table}")
    following = _FOLLOWING.search(definition)
    return Numbering(table, int(highest), int(following[1]) if following else 1)


def renumber(table: str, following: int) -> None:
    """Have the next row of ``table`` numbered ``following``, which must be above all there are."""
    [(patience,)] = rows("SELECT @@SESSION.lock_wait_timeout")
    execute("SET SESSION lock_wait_timeout = %s", (_TABLE_WAIT_SECONDS,))
    try:
        execute(f"ALTER TABLE {table} AUTO_INCREMENT = {int(following)}")
    finally:
        # Not discarded: until the server has noticed, it would be listed as somebody else's.
        execute("SET SESSION lock_wait_timeout = %s", (patience,))


def other_connections() -> list[str]:
    """Where others are connected to this database from; ours is left out, in the caller's session.

    Those of other accounts are seen only with the server's PROCESS privilege.
    """
    # The server's spelling of the name: where letters' case is nothing to it, ours may differ.
    [(ours, schema)] = rows("SELECT CONNECTION_ID(), DATABASE()")
    return [
        str(host)
        for number, _, host, name, *_ in rows("SHOW PROCESSLIST")
        if name == schema and number != ours
    ]


__all__ = ["Numbering", "numberings", "other_connections", "renumber"]
