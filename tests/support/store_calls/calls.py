"""How a table of calls is written, and which functions there are to be called."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[3]
_SENDERS = frozenset({"affected", "execute", "rows"})

Arguments = tuple[Any, ...]
Calls = dict[str, Sequence[Arguments]]
"""Arguments of each call, by the function's full name."""


def given(*arguments: Any) -> Arguments:
    """The arguments of one call."""
    return arguments


def ids(first: int, end: int, step: int = 1) -> list[int]:
    """The ids from ``first`` to before ``end``, as callers pass them."""
    return list(range(first, end, step))


def calls_of(module: str, **functions: Sequence[Arguments]) -> Calls:
    """The calls of ``module``'s functions, by name."""
    return {f"{module}.{name}": calls for name, calls in functions.items()}


def stores() -> Iterator[tuple[str, Path, ast.Module]]:
    """Every store of the domain: its module's name, its file and what stands there."""
    for path in sorted((PROJECT / "domain").rglob("*store.py")):
        name = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        yield name, path, ast.parse(path.read_text())


def store_functions() -> set[str]:
    """The full names of all their public functions."""
    return {
        f"{module}.{node.name}"
        for module, _, tree in stores()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def places_of_sql() -> set[tuple[str, range]]:
    """Where they send a statement: file and lines."""
    return {
        (str(path), range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for _, path, tree in stores()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _SENDERS
    }
