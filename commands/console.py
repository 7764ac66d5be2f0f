"""What all commands share: a database that may be away, and output for people."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from infra.settings import settings

_NO_SUCH_TABLE, _NO_SUCH_COLUMN, _NO_SUCH_DATABASE = 1146, 1054, 1049
_CONNECTIONS = 4


def needs_database(command: Callable[..., None]) -> Callable[..., None]:
    """Point the database before ``command``, and turn its troubles into one line and exit code 1.

    Logs go to standard error, and by default only what is wrong: standard output is the command's.
    """

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        import peewee

        from infra import database, logs

        level = settings().log_level
        logs.configure("cli", "warning" if level == "info" else level, sys.stderr)
        database.configure(settings().database_url, _CONNECTIONS)
        try:
            command(*args, **options)
        except (peewee.OperationalError, peewee.InterfaceError, peewee.ProgrammingError) as error:
            raise click.ClickException(_explain(error)) from None

    return run


def _explain(error: Exception) -> str:
    from infra.database_errors import error_code, is_connection_lost

    if error_code(error) in (_NO_SUCH_TABLE, _NO_SUCH_COLUMN):
        return f"The schema is not up to date; run migrate first. ({one_line(error)})"
    if is_connection_lost(error) or error_code(error) == _NO_SUCH_DATABASE:
        return f"The database is away: {one_line(error)}"
    return f"The database refused: {one_line(error)}"


def one_line(error: BaseException) -> str:
    """The last and most telling part of an error's arguments, on one line."""
    inner = error.args[-1] if error.args else str(error)
    return " ".join(str(inner).split())


def print_table(
    columns: list[str], lines: list[list[object]], empty: str, whole_first: bool = False
) -> None:
    """A table on standard output, or the sentence ``empty`` if there are no lines.

    ``whole_first``: what is in the first column is to be copied, so it is never cut short.
    """
    from rich.console import Console
    from rich.table import Column, Table

    if not lines:
        click.echo(empty)
        return
    width = max(len(str(line[0])) for line in lines) if whole_first else None
    table = Table(Column(columns[0], min_width=width, no_wrap=whole_first), *columns[1:])
    for line in lines:
        table.add_row(*("" if cell is None else str(cell) for cell in line))
    Console(markup=False, emoji=False).print(table)  # names are as users gave them


def print_json(value: object) -> None:
    """One line of JSON on standard output."""
    import orjson

    click.echo(orjson.dumps(value).decode())
