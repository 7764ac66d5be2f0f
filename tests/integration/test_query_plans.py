"""No query of any store scans a big table: asked of EXPLAIN, and of what the server has read."""

import importlib
from collections.abc import Iterator, Mapping, Sequence

import pytest

from infra.database import execute, session
from tests.support import big_shop
from tests.support.query_plans import Statement, recorded
from tests.support.store_calls import CALLS, Arguments, places_of_sql, store_functions


def empty() -> None:
    with session():
        for table in big_shop.tables():
            if table != "migrations":
                execute(f"TRUNCATE TABLE {table}")


@pytest.fixture(scope="module")
def shop(_schema: None) -> Iterator[None]:
    empty()
    big_shop.fill()
    yield
    empty()


def run(name: str, arguments: Arguments) -> Sequence[Statement]:
    module, _, function = name.rpartition(".")
    with recorded() as statements:
        result = getattr(importlib.import_module(module), function)(*arguments)
        if isinstance(result, Iterator):
            next(result)
    return statements


@pytest.mark.parametrize("name", sorted(CALLS))
def test_no_big_table_is_scanned(shop: None, name: str) -> None:
    for arguments in CALLS[name]:
        for statement in run(name, arguments):
            faults = statement.faults()
            if faults:
                pytest.fail(f"{name}\n" + "\n".join(faults) + "\n" + statement.shown(), pytrace=False)
