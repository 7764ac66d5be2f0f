"""A schema as the programs on it see it, and what a later one takes away from them."""

from dataclasses import dataclass

from infra.database import rows, session


@dataclass(frozen=True)
class Column:
    """``demanded``: an insert that does not name it is refused."""

    kind: str
    nullable: bool
    default: str | None
    demanded: bool


@dataclass(frozen=True)
class Schema:
    columns: dict[tuple[str, str], Column]
    refusals: set[tuple[str, str]]
    """Unique indexes and checks, by table and name."""

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.columns}


def schema() -> Schema:
    """The database's, as it is now."""
    with session():
        columns = rows(
            "SELECT table_name, column_name, column_type, is_nullable, column_default, extra "
            "FROM information_schema.columns WHERE table_schema = DATABASE()"
        )
        refusals = rows(
            "SELECT DISTINCT table_name, index_name FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() AND non_unique = 0 UNION "
            "SELECT table_name, constraint_name FROM information_schema.table_constraints "
            "WHERE table_schema = DATABASE() AND constraint_type = 'CHECK'"
        )
    return Schema(
        {(table, name): Column(
            kind, nullable == "YES", default,
            nullable == "NO" and default is None and "auto_increment" not in extra,
        ) for table, name, kind, nullable, default, extra in columns},
        {(table, name) for table, name in refusals},
    )


def narrowed(before: Schema, after: Schema) -> list[str]:
    """What programs made for ``before`` can no longer read or write in ``after``, in words."""
    found = [f"{table} is gone" for table in sorted(before.tables - after.tables)]
    for (table, name), column in before.columns.items():
        if table not in after.tables:
            continue
        now = after.columns.get((table, name))
        if now is None:
            found.append(f"{table}.{name} is gone")
        elif now != column:
            found.append(f"{table}.{name} is another")
    found += [
        f"{table}.{name} is new and needs a value"
        for (table, name), column in after.columns.items()
        if table in before.tables and (table, name) not in before.columns and column.demanded
    ]
    return found + [
        f"{table}.{name} refuses what was allowed"
        for table, name in sorted(after.refusals - before.refusals) if table in before.tables
    ]
