"""No query of any store scans, sorts or reads in vain what grows with the shop's age.

Asked of EXPLAIN before each statement runs, and of the server's own counters after it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.database import execute, rows, session
from tests.support.query_plans.big_shop import MANY, SMALL_TABLES
from tests.support.query_plans.calls import CALLS
from tests.support.query_plans.judging import Statement, Step, Wrong, step_of
from tests.support.query_plans.recording import recorded, run
from tests.support.query_plans.seeding import empty, fill, tables
from tests.support.query_plans.stores import Call, places_of_sql, store_functions

Ran = list[tuple[Call, list[Statement] | Exception]]


@pytest.fixture(scope="module")
def shop(_schema: None) -> Iterator[None]:
    """The big shop, for the tests of this module."""
    empty()
    fill()
    yield
    empty()


@pytest.fixture(scope="module")
def ran(shop: None) -> Mapping[str, Ran]:
    """Every call, once: what it sent, or why it did not."""
    return {name: [(call, _run(name, call)) for call in calls] for name, calls in CALLS.items()}


def _run(name: str, call: Call) -> list[Statement] | Exception:
    try:
        return run(name, call)
    except Exception as error:
        return error


def test_every_function_of_every_store_has_its_calls() -> None:
    assert store_functions() - CALLS.keys() == set(), "without a call in tests/support/query_plans"
    assert CALLS.keys() - store_functions() == set(), "called, but no longer there"
    assert [name for name, calls in CALLS.items() if not calls] == []


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_store_reads_little(name: str, ran: Mapping[str, Ran]) -> None:
    found = []
    for call, statements in ran[name]:
        if isinstance(statements, Exception):
            raise statements
        assert statements, f"{name} sends nothing"
        for statement in statements:
            texts = {one.text for one in statement.faults() if one.kind not in call.excused}
            if texts:
                found.append(f"{', '.join(sorted(texts))}:\n      {statement}")
    if found:
        pytest.fail("\n\n".join([name, *found]), pytrace=False)


def test_every_place_that_sends_sql_is_reached(ran: Mapping[str, Ran]) -> None:
    reached = {
        statement.place
        for runs in ran.values()
        for _, statements in runs
        if not isinstance(statements, Exception)
        for statement in statements
    }
    missed = [
        f"{path}:{lines.start}"
        for path, lines in places_of_sql()
        if not any((path, line) in reached for line in lines)
    ]
    assert missed == []


def test_every_table_is_big_or_known_to_stay_small(shop: None) -> None:
    with session():
        sizes = {table: rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables()}
    assert {table for table, size in sizes.items() if size < MANY} <= SMALL_TABLES


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("SELECT id FROM orders WHERE cancelled_at IS NULL", Wrong.SCANS),
        ("SELECT COUNT(*) FROM (SELECT id FROM orders WHERE total_amount > 1) some", Wrong.SCANS),
        ("UPDATE jobs SET attempts = 9 WHERE caller_id = 1", Wrong.SCANS),
        ("DELETE FROM idempotency_keys WHERE job_uuid IN ('a', 'b')", Wrong.SCANS),
        ("INSERT INTO controls SELECT id, name, created_at FROM products", Wrong.SCANS),
        ("SELECT id FROM orders WHERE user_id = 1 ORDER BY created_at LIMIT 9", Wrong.SORTS),
        ("SELECT id FROM jobs WHERE attempts = 9 ORDER BY id DESC LIMIT 9", Wrong.READS),
        ("SELECT id FROM users WHERE id = 0", Wrong.FINDS_NOTHING),
    ],
    ids=lambda value: str(value).split(" ")[0],
)
def test_what_is_wrong_is_seen(shop: None, sql: str, wrong: Wrong) -> None:
    with recorded() as statements:
        execute(sql)
    assert wrong in {fault.kind for fault in statements[0].faults()}


# The columns of EXPLAIN; MySQL has two more.
BEFORE = ("id", "select_type", "table")
AFTER = ("type", "possible_keys", "key", "key_len", "ref", "rows")


def mariadb_step(*values: Any) -> Step:
    return step_of([*BEFORE, *AFTER, "Extra"], values)


def mysql_step(*values: Any) -> Step:
    return step_of([*BEFORE, "partitions", *AFTER, "filtered", "Extra"], values)


def test_plans_of_both_servers_are_read_the_same() -> None:
    # Given the same step, to which MariaDB adds that it filters by a second index
    steps = [
        mariadb_step(1, "SIMPLE", "j", "range|filter", "a,b", "a|b", "8|8", None, "12 (3%)", "x"),
        mysql_step(1, "SIMPLE", "j", None, "range", "a,b", "a", "8", None, 12, 3.0, "x"),
    ]
    assert {(step.table, step.access, step.rows, step.extra) for step in steps} == {
        ("j", "range", 12, "x")
    }


def test_what_is_no_table_is_not_blamed() -> None:
    steps = [
        mariadb_step(1, "PRIMARY", "<derived2>", "ALL", None, None, None, None, 9999, None),
        mariadb_step(None, "UNION RESULT", "<union1,2>", "ALL", None, None, None, None, None, ""),
        mysql_step(2, "DERIVED", *[None] * 9, "No tables used"),
    ]
    assert [fault for step in steps for fault in step.faults()] == []
