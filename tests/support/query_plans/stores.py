"""Which functions the stores have, and how calls of them are written down."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.query_plans.judging import Wrong

PROJECT = Path(__file__).parents[3]
_SENDERS = frozenset({"affected", "end_with", "execute", "put_off", "rows", "several"})
"""The functions of ``infra.database`` by which stores send a statement."""


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call, and the faults that are right in it, each with the reason."""

    arguments: tuple[Any, ...]
    excused: dict[Wrong, str]


Calls = dict[str, Sequence[Call]]
"""By the function's full name."""


def given(*arguments: Any, sorts: str = "", reads: str = "") -> Call:
    """A call with these arguments; ``sorts`` and ``reads`` are reasons why it does so at length.

    There is none for a scan.
    """
    excuses = {Wrong.SORTS: sorts, Wrong.READS: reads}
    return Call(arguments, {kind: reason for kind, reason in excuses.items() if reason})


def calls_of(module: str, **functions: Sequence[Call]) -> Calls:
    """The calls of a module's functions."""
    return {f"{module}.{name}": calls for name, calls in functions.items()}


def ids(first: int, end: int, step: int = 1) -> list[int]:
    """The ids from ``first`` to before ``end``, as callers pass them."""
    return list(range(first, end, step))


def store_functions() -> set[str]:
    """The full names of the public functions of every store in the domain."""
    return {
        f"{module}.{node.name}"
        for module, _, tree in _stores()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def places_of_sql() -> list[tuple[str, range]]:
    """Where they send a statement: the file and its lines."""
    return [
        (str(path), range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for _, path, tree in _stores()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _SENDERS
    ]


def _stores() -> Iterator[tuple[str, Path, ast.Module]]:
    for path in sorted((PROJECT / "domain").rglob("*store.py")):
        module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        yield module, path, ast.parse(path.read_text())
