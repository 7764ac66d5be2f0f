"""How the slices of the domain are built, and by what door one reaches another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "domain"
SHARED = {"kernel", "jobs", "outbox", "kinds"}
SLICES = sorted(
    path.name for path in DOMAIN.iterdir()
    if (path / "__init__.py").exists() and path.name not in SHARED
)
DOORS = {"service", "checkout", "redemption", "stock"}
"""The modules by which a slice may be reached from another: its service, and what it does for an
order within the order's transaction (cart.checkout, coupons.redemption, catalog.stock)."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("name", SLICES)
def test_a_slice_reaches_another_only_through_its_service(name: str) -> None:
    wrong = []
    for path in (DOMAIN / name).rglob("*.py"):
        for module in imports(path):
            parts = module.split(".")
            if parts[0] != "domain" or len(parts) < 3 or parts[1] in {name, *SHARED}:
                continue
            if parts[2] not in DOORS:
                wrong.append(f"{path.relative_to(DOMAIN)} imports {module}")
    assert not wrong, wrong


@pytest.mark.parametrize("name", SLICES)
def test_only_stores_speak_sql(name: str) -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "DELETE k FROM")
    wrong = []
    for path in (DOMAIN / name).rglob("*.py"):
        if path.stem.endswith("store"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and text.lstrip().startswith(verbs):
                wrong.append(f"{path.relative_to(DOMAIN)}:{node.lineno}")
    assert not wrong, wrong
